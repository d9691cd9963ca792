//! Doc comments, which become descriptions.

use syn::{Attribute, Expr, ExprLit, ItemFn, Lit, Meta};

use crate::kind::Kind;

/// The function's doc comment. A tool or prompt without one is an error: it is all that there is to choose by.
pub(crate) fn description(function: &ItemFn, kind: Kind) -> syn::Result<String> {
    let text = text(&function.attrs)?;
    if text.is_empty() {
        let message = match kind {
            Kind::Tool => {
                "a tool needs a doc comment: add a line such as `/// Add two numbers.` above the function; \
                 the model reads it to know what the tool does and when to use it"
            }
            _ => {
                "a prompt needs a doc comment: add a line such as `/// Review a change.` above the function; \
                 people read it to know what the prompt is for"
            }
        };
        return Err(syn::Error::new(function.sig.ident.span(), message));
    }
    Ok(text)
}

/// The doc comment among `attributes`, without the space that every line begins with; empty where there is none.
pub(crate) fn text(attributes: &[Attribute]) -> syn::Result<String> {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        // `#[doc(hidden)]` and the like are no text.
        let Meta::NameValue(pair) = &attribute.meta else { continue };
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value else {
            return Err(syn::Error::new_spanned(
                &pair.value,
                "write the doc comment out: a macro in it cannot be read",
            ));
        };
        lines.extend(text.value().split('\n').map(|line| line.trim_end().to_owned()));
    }
    let margin = lines.iter().filter(|line| !line.is_empty()).map(|line| indent(line)).min().unwrap_or(0);
    let lines: Vec<&str> = lines.iter().map(|line| line.get(margin..).unwrap_or_default()).collect();
    Ok(lines.join("\n").trim().to_owned())
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}
