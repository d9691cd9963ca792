//! Parameters that come as texts: the arguments of a prompt, the variables of a template.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{FnArg, GenericArgument, Ident, PatType, PathArguments, Signature, Type};

use crate::kind::Kind;
use crate::{Problems, docs, parameter};

/// One parameter.
pub(crate) struct TextParameter {
    pub(crate) name: String,
    pub(crate) span: Span,
    /// Of an `Option`, what is in it.
    pub(crate) ty: Type,
    pub(crate) optional: bool,
    pub(crate) description: String,
}

/// Reads the parameters, and takes away what rustc would not accept on them.
pub(crate) fn take(signature: &mut Signature, kind: Kind) -> syn::Result<Vec<TextParameter>> {
    let mut problems = Problems::default();
    let mut parameters = Vec::new();
    for input in &mut signature.inputs {
        // A receiver has been refused already.
        if let FnArg::Typed(input) = input {
            parameters.extend(problems.collect(take_one(input, kind)));
        }
    }
    problems.into_result(parameters)
}

fn take_one(input: &mut PatType, kind: Kind) -> syn::Result<TextParameter> {
    let mut problems = Problems::default();
    let attributes = std::mem::take(&mut input.attrs);
    let description = problems.collect(docs::text(&attributes)).unwrap_or_default();
    for attribute in attributes {
        match attribute.path().get_ident().map(ToString::to_string).as_deref() {
            Some("doc") => {}
            Some("allow" | "expect" | "warn" | "deny") => input.attrs.push(attribute),
            _ => {
                let message = format!("unknown attribute: a parameter of a {} may have a doc comment", kind.word());
                problems.add(syn::Error::new_spanned(&attribute, message));
            }
        }
    }
    problems.collect(parameter::check_type(&input.ty, kind));
    let name: Option<Ident> = problems.collect(parameter::name(&input.pat));
    let inner = inner_of_option(&input.ty);
    let (ty, optional) = (inner.unwrap_or(&input.ty).clone(), inner.is_some());
    match problems.into_result(name)? {
        Some(name) => {
            Ok(TextParameter { name: name.unraw().to_string(), span: name.span(), ty, optional, description })
        }
        None => Err(syn::Error::new_spanned(&input.ty, "this parameter has no name")),
    }
}

/// The `T` of an `Option<T>`, as it is written: a macro does not see through names.
fn inner_of_option(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) => Some(inner),
        _ => None,
    }
}

impl TextParameter {
    /// Takes it from `from`.
    pub(crate) fn value(&self, from: &Ident) -> TokenStream {
        let Self { name, ty, optional, .. } = self;
        match optional {
            true => quote_spanned!(ty.span()=> #from.take_optional::<#ty>(#name)?),
            false => quote_spanned!(ty.span()=> #from.take::<#ty>(#name)?),
        }
    }
}
