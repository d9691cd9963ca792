//! The parameters of a tool, which become the properties of its input schema.

use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, FnArg, Ident, Lit, Meta, Pat, PatType, Signature, Type};

use crate::kind::Kind;
use crate::{Problems, docs};

/// One parameter.
pub(crate) struct Parameter {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) description: String,
    pub(crate) default: Option<DefaultValue>,
    /// `#[schema(keyword = value)]`: further keywords of JSON Schema.
    pub(crate) keywords: Vec<(Ident, Expr)>,
}

/// What a parameter is where the caller leaves it out.
pub(crate) enum DefaultValue {
    /// `#[default]`: the type's own default.
    OfType,
    /// `#[default(expression)]`.
    Value(Expr),
}

/// Reads the parameters, and takes away the attributes that rustc would not accept on them.
pub(crate) fn take(signature: &mut Signature) -> syn::Result<Vec<Parameter>> {
    let mut problems = Problems::default();
    let mut parameters = Vec::new();
    for input in &mut signature.inputs {
        // A receiver has been refused already.
        if let FnArg::Typed(input) = input {
            parameters.extend(problems.collect(take_one(input)));
        }
    }
    problems.into_result(parameters)
}

fn take_one(input: &mut PatType) -> syn::Result<Parameter> {
    let mut problems = Problems::default();
    let attributes = std::mem::take(&mut input.attrs);
    let description = problems.collect(docs::text(&attributes)).unwrap_or_default();
    let mut default = None;
    let mut keywords = Vec::new();
    for attribute in attributes {
        match attribute.path().get_ident().map(ToString::to_string).as_deref() {
            Some("doc") => {}
            Some("default") => default = problems.collect(default_of(&attribute)),
            Some("schema") => keywords.extend(problems.collect(keywords_of(&attribute)).unwrap_or_default()),
            Some("allow" | "expect" | "warn" | "deny") => input.attrs.push(attribute),
            _ => problems.add(syn::Error::new_spanned(
                &attribute,
                "unknown attribute: a parameter of a tool may have a doc comment, \
                 `#[default(value)]` and `#[schema(keyword = value)]`",
            )),
        }
    }
    problems.collect(check_type(&input.ty, Kind::Tool));
    let name = problems.collect(name(&input.pat));
    match (problems.into_result(name)?, *input.ty.clone()) {
        (Some(name), ty) => Ok(Parameter { name, ty, description, default, keywords }),
        (None, ty) => Err(syn::Error::new_spanned(ty, "this parameter has no name")),
    }
}

/// The parameter's name is the property's name, so a pattern will not do.
pub(crate) fn name(pattern: &Pat) -> syn::Result<Ident> {
    match pattern {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => Ok(pattern.ident.clone()),
        _ => Err(syn::Error::new_spanned(
            pattern,
            "give the parameter a plain name, which is the name of the argument; take it apart in the body",
        )),
    }
}

fn default_of(attribute: &Attribute) -> syn::Result<DefaultValue> {
    match &attribute.meta {
        Meta::Path(_) => Ok(DefaultValue::OfType),
        Meta::List(_) => {
            let value = attribute.parse_args::<Expr>().map_err(|error| {
                syn::Error::new(error.span(), "`#[default(...)]` takes one expression, such as `#[default(10)]`")
            })?;
            Ok(DefaultValue::Value(value))
        }
        Meta::NameValue(pair) => Err(syn::Error::new(pair.span(), "write `#[default(value)]`")),
    }
}

/// The keywords of `#[schema(minimum = 1, maximum = 100)]`.
fn keywords_of(attribute: &Attribute) -> syn::Result<Vec<(Ident, Expr)>> {
    let mut keywords = Vec::new();
    attribute.parse_nested_meta(|meta| {
        let keyword = meta.path.require_ident()?.clone();
        keywords.push((keyword, meta.value()?.parse()?));
        Ok(())
    })?;
    Ok(keywords)
}

/// Arguments are made from what the gateway sends, so the function has to own them.
pub(crate) fn check_type(ty: &Type, kind: Kind) -> syn::Result<()> {
    let word = kind.word();
    match ty {
        Type::Reference(reference) => {
            let instead = owned(&reference.elem);
            let message = format!("a {word} owns its arguments: take {instead} in place of a reference");
            Err(syn::Error::new_spanned(ty, message))
        }
        Type::ImplTrait(_) => {
            Err(syn::Error::new_spanned(ty, format!("a {word} cannot be generic: name the type of this argument")))
        }
        Type::Ptr(_) | Type::BareFn(_) | Type::TraitObject(_) => {
            let message = match kind {
                Kind::Tool => "an argument comes as JSON: take a type that serde can deserialise",
                _ => "an argument comes as a text: take a type that can be read from one",
            };
            Err(syn::Error::new_spanned(ty, message))
        }
        Type::Paren(inner) => check_type(&inner.elem, kind),
        Type::Group(inner) => check_type(&inner.elem, kind),
        _ => Ok(()),
    }
}

/// What to take in place of a reference to `target`.
fn owned(target: &Type) -> &'static str {
    match target {
        Type::Path(path) if path.path.is_ident("str") => "`String`",
        Type::Path(path) if path.path.is_ident("Path") => "`PathBuf`",
        Type::Slice(_) => "`Vec<T>`",
        _ => "the value itself",
    }
}

/// True for `"text"`, which stands for a `String` where the parameter is one.
pub(crate) fn is_text(value: &Expr) -> bool {
    matches!(value, Expr::Lit(ExprLit { lit: Lit::Str(_), .. }))
}
