//! `#[filter]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{ItemFn, spanned::Spanned};

use crate::item::{self, Entry};
use crate::kind::Kind;
use crate::{Problems, signature};

const NAMES: &str = "a filter is called `before` (the call) or `after` (with its result)";

/// What the plugin knows about a filter.
pub(crate) fn entry(attributes: &TokenStream, function: &ItemFn) -> syn::Result<Entry> {
    let mut problems = Problems::default();
    if !attributes.is_empty() {
        let message = "#[filter] takes nothing: which tools it sees stands in `filters` of gateway.yaml";
        problems.add(syn::Error::new_spanned(attributes, message));
    }
    problems.collect(signature::check(&function.sig, Kind::Filter));
    let is_before = problems.collect(is_before(&function.sig.ident));
    let wanted = match is_before {
        Some(true) => Some((1, "fn before(call: &ToolCall) -> Decision")),
        Some(false) => Some((2, "fn after(call: &ToolCall, result: ToolResultJson) -> Verdict")),
        None => None,
    };
    if let Some((_, usage)) = wanted.filter(|(count, _)| function.sig.inputs.len() != *count) {
        problems.add(syn::Error::new(function.sig.span(), format!("write `{usage}`")));
    }
    match problems.into_result(is_before)? {
        Some(true) => Ok(before(function)),
        _ => Ok(after(function)),
    }
}

/// In the place of one with mistakes, where its name tells which of the two it is.
pub(crate) fn broken(function: &ItemFn) -> Option<Entry> {
    let (implements, constant) = match is_before(&function.sig.ident).ok()? {
        true => (
            quote!(Before),
            quote! {
                const RUN: fn(&::gateway_sdk::ToolCall) -> ::gateway_sdk::Decision =
                    |_| ::gateway_sdk::Decision::Proceed;
            },
        ),
        false => (
            quote!(After),
            quote! {
                const RUN: fn(&::gateway_sdk::ToolCall, ::gateway_sdk::ToolResultJson) -> ::gateway_sdk::Verdict =
                    |_, _| ::gateway_sdk::Verdict::Keep;
            },
        ),
    };
    Some(Entry { implements, constant })
}

/// Which of the two functions this is.
pub(crate) fn is_before(function: &Ident) -> syn::Result<bool> {
    match function.to_string().as_str() {
        "before" => Ok(true),
        "after" => Ok(false),
        _ => Err(syn::Error::new(function.span(), NAMES)),
    }
}

fn before(function: &ItemFn) -> Entry {
    let seen = Ident::new("call", Span::mixed_site());
    let call = item::call(function, [quote!(#seen)]);
    let output = item::output(function);
    let constant = quote! {
        const RUN: fn(&::gateway_sdk::ToolCall) -> ::gateway_sdk::Decision =
            |#seen| <#output as ::gateway_sdk::DecisionOutput>::into_decision(#call);
    };
    Entry { implements: quote!(Before), constant }
}

fn after(function: &ItemFn) -> Entry {
    let (seen, result) = (Ident::new("call", Span::mixed_site()), Ident::new("result", Span::mixed_site()));
    let call = item::call(function, [quote!(#seen), quote!(#result)]);
    let output = item::output(function);
    let constant = quote! {
        const RUN: fn(&::gateway_sdk::ToolCall, ::gateway_sdk::ToolResultJson) -> ::gateway_sdk::Verdict =
            |#seen, #result| <#output as ::gateway_sdk::VerdictOutput>::into_verdict(#call);
    };
    Entry { implements: quote!(After), constant }
}
