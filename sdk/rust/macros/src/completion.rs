//! `#[completion]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, ItemFn, LitStr, Type};

use crate::attributes::Given;
use crate::item::{self, Entry};
use crate::kind::Kind;
use crate::{Problems, signature};

const USAGE: &str = "say what is completed: `#[completion(prompt = \"review\", argument = \"language\")]`, \
                     or `#[completion(template = \"notes:///{id}\", argument = \"id\")]`";

/// What the plugin knows about a completion.
pub(crate) fn entry(attributes: TokenStream, function: &ItemFn) -> syn::Result<Entry> {
    let mut problems = Problems::default();
    let given = problems.collect(Given::parse(attributes, Kind::Completion, &["prompt", "template", "argument"]));
    let target = given.as_ref().and_then(|given| problems.collect(target(given, &function.sig.ident)));
    problems.collect(signature::check(&function.sig, Kind::Completion));
    let arguments = problems.collect(arguments(function));
    match (problems.into_result(())?, target, arguments) {
        ((), Some((of, argument)), Some(arguments)) => Ok(expand(function, &of, &argument, arguments)),
        _ => Err(syn::Error::new_spanned(&function.sig, "#[completion] cannot read this function")),
    }
}

/// In the place of one with mistakes.
pub(crate) fn broken() -> Entry {
    let constant = quote! {
        const ENTRY: ::gateway_sdk::__private::CompletionEntry = ::gateway_sdk::__private::CompletionEntry::BROKEN;
    };
    Entry { implements: quote!(Completer), constant }
}

/// Whose argument it is, and which.
fn target(given: &Given, function: &Ident) -> syn::Result<(TokenStream, LitStr)> {
    let of = match (given.get("prompt"), given.get("template")) {
        (Some(prompt), None) => quote!(Prompt(#prompt)),
        (None, Some(template)) => quote!(Template(#template)),
        _ => return Err(syn::Error::new(function.span(), USAGE)),
    };
    let argument = given.get("argument").cloned().ok_or_else(|| syn::Error::new(function.span(), USAGE))?;
    Ok((of, argument))
}

/// What the function is called with: what was typed, and what is chosen already where it wants to know that.
fn arguments(function: &ItemFn) -> syn::Result<Vec<TokenStream>> {
    let inputs = &function.sig.inputs;
    if !(1..=2).contains(&inputs.len()) {
        let message = "a completion takes what was typed (`typed: &str`) and, where it wants to know, \
                       the arguments that are chosen already (`chosen: &Chosen`)";
        return Err(syn::Error::new_spanned(&function.sig, message));
    }
    let names = [Ident::new("typed", Span::mixed_site()), Ident::new("chosen", Span::mixed_site())];
    let arguments = inputs.iter().zip(names).map(|(input, name)| match input {
        FnArg::Typed(input) if matches!(*input.ty, Type::Reference(_)) => {
            quote_spanned!(input.ty.span()=> &#name)
        }
        _ => quote!(#name),
    });
    Ok(arguments.collect())
}

fn expand(function: &ItemFn, of: &TokenStream, argument: &LitStr, arguments: Vec<TokenStream>) -> Entry {
    let output = item::output(function);
    let (typed, chosen) = (Ident::new("typed", Span::mixed_site()), Ident::new("chosen", Span::mixed_site()));
    let call = item::call(function, arguments);
    let constant = quote! {
        const ENTRY: ::gateway_sdk::__private::CompletionEntry = {
            #[allow(unused_variables, clippy::needless_pass_by_value)]
            fn __gateway_completion(
                #typed: ::std::string::String,
                #chosen: ::gateway_sdk::Chosen,
            ) -> ::core::result::Result<::gateway_sdk::Completion, ::gateway_sdk::__private::PromptFailure> {
                <#output as ::gateway_sdk::CompletionOutput>::into_completion(#call)
            }
            ::gateway_sdk::__private::CompletionEntry {
                of: ::gateway_sdk::__private::Completes::#of,
                argument: #argument,
                complete: __gateway_completion,
            }
        };
    };
    Entry { implements: quote!(Completer), constant }
}
