//! `#[prompt]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{ItemFn, LitStr};

use crate::attributes::{self, Given};
use crate::item::{self, Entry};
use crate::kind::Kind;
use crate::text::{self, TextParameter};
use crate::{Problems, docs, signature};

/// What the plugin knows about a prompt.
pub(crate) fn entry(attributes: TokenStream, function: &mut ItemFn) -> syn::Result<Entry> {
    let mut problems = Problems::default();
    let given = problems.collect(Given::parse(attributes, Kind::Prompt, &["name", "title"]));
    let name = given.as_ref().and_then(|given| problems.collect(name(given, &function.sig.ident)));
    let description = problems.collect(docs::description(function, Kind::Prompt));
    problems.collect(signature::check(&function.sig, Kind::Prompt));
    let parameters = problems.collect(text::take(&mut function.sig, Kind::Prompt));
    match (problems.into_result(())?, given, name, description, parameters) {
        ((), Some(given), Some(name), Some(description), Some(parameters)) => {
            Ok(expand(function, &name, given.get("title"), &description, &parameters))
        }
        _ => Err(syn::Error::new_spanned(&function.sig, "#[prompt] cannot read this function")),
    }
}

/// In the place of one with mistakes.
pub(crate) fn broken() -> Entry {
    let constant = quote! {
        const ENTRY: ::gateway_sdk::__private::PromptEntry = ::gateway_sdk::__private::PromptEntry::BROKEN;
    };
    Entry { implements: quote!(Prompt), constant }
}

fn name(given: &Given, function: &Ident) -> syn::Result<String> {
    attributes::name_of(given.get("name"), function, Kind::Prompt)
}

fn expand(
    function: &ItemFn,
    name: &str,
    title: Option<&LitStr>,
    description: &str,
    parameters: &[TextParameter],
) -> Entry {
    let title = item::optional(title);
    let output = item::output(function);
    let from = Ident::new("arguments", Span::mixed_site());
    let call = item::call(function, parameters.iter().map(|parameter| parameter.value(&from)));
    let parameters = parameters.iter().map(|TextParameter { name, description, optional, .. }| {
        let required = !optional;
        quote! {
            ::gateway_sdk::__private::PromptParameter { name: #name, description: #description, required: #required }
        }
    });
    let constant = quote! {
        const ENTRY: ::gateway_sdk::__private::PromptEntry = {
            fn __gateway_prompt_get(
                #[allow(unused_variables, unused_mut)] mut #from: ::gateway_sdk::__private::PromptArguments,
            ) -> ::core::result::Result<::gateway_sdk::PromptResult, ::gateway_sdk::__private::PromptFailure> {
                <#output as ::gateway_sdk::PromptOutput>::into_prompt(#call)
            }
            ::gateway_sdk::__private::PromptEntry {
                name: #name,
                title: #title,
                description: #description,
                parameters: &[#(#parameters),*],
                get: __gateway_prompt_get,
            }
        };
    };
    Entry { implements: quote!(Prompt), constant }
}
