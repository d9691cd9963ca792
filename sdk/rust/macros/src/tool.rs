//! `#[tool]`.
//!
//! The entry is a table rather than code, and arguments are taken one by one from a map: a plugin is paid for by the
//! byte, and a derived struct per tool came to 12 KB each.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ItemFn;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::attributes::{self, Attributes};
use crate::item::{self, Entry, optional};
use crate::kind::Kind;
use crate::parameter::{self, DefaultValue, Parameter};
use crate::{Problems, docs, signature};

/// Everything that the expansion needs beside the function itself.
struct Tool {
    attributes: Attributes,
    description: String,
    parameters: Vec<Parameter>,
}

/// What the plugin knows about a tool.
pub(crate) fn entry(attributes: TokenStream, function: &mut ItemFn) -> syn::Result<Entry> {
    let tool = check(attributes, function)?;
    let (call, entry) = (call(function, &tool.parameters), table(function, &tool));
    let constant = quote! {
        const ENTRY: ::gateway_sdk::__private::Entry = {
            #call
            #entry
        };
    };
    Ok(Entry { implements: quote!(Tool), constant })
}

/// In the place of one with mistakes.
pub(crate) fn broken() -> Entry {
    let constant = quote! {
        const ENTRY: ::gateway_sdk::__private::Entry = ::gateway_sdk::__private::Entry::BROKEN;
    };
    Entry { implements: quote!(Tool), constant }
}

/// Reads and checks the function, and strips what only `#[tool]` understands from its parameters.
fn check(attributes: TokenStream, function: &mut ItemFn) -> syn::Result<Tool> {
    let mut problems = Problems::default();
    let attributes = problems.collect(attributes::parse(attributes, &function.sig.ident));
    let description = problems.collect(docs::description(function, Kind::Tool));
    problems.collect(signature::check(&function.sig, Kind::Tool));
    let parameters = problems.collect(parameter::take(&mut function.sig));
    match (problems.into_result(())?, attributes, description, parameters) {
        ((), Some(attributes), Some(description), Some(parameters)) => Ok(Tool { attributes, description, parameters }),
        _ => Err(syn::Error::new_spanned(&function.sig, "#[tool] cannot read this function")),
    }
}

fn table(function: &ItemFn, tool: &Tool) -> TokenStream {
    let attributes = &tool.attributes;
    let (name, description) = (&attributes.name, &tool.description);
    let title = optional(attributes.title.as_ref());
    let read_only = optional(attributes.read_only.as_ref());
    let destructive = optional(attributes.destructive.as_ref());
    let idempotent = optional(attributes.idempotent.as_ref());
    let open_world = optional(attributes.open_world.as_ref());
    let output = item::output(function);
    let parameters = tool.parameters.iter().map(parameter);
    quote! {
        ::gateway_sdk::__private::Entry {
            name: #name,
            title: #title,
            description: #description,
            hints: ::gateway_sdk::__private::Hints {
                read_only: #read_only,
                destructive: #destructive,
                idempotent: #idempotent,
                open_world: #open_world,
            },
            parameters: &[#(#parameters),*],
            output_schema: <#output as ::gateway_sdk::ToolOutput>::output_schema,
            call: __gateway_tool_call,
        }
    }
}

fn parameter(parameter: &Parameter) -> TokenStream {
    let Parameter { name, ty, description, default, keywords } = parameter;
    let name = name.unraw().to_string();
    let default = match default {
        None => quote!(::core::option::Option::None),
        Some(value) => {
            let value = default_value(value, ty);
            quote! {
                ::core::option::Option::Some(|| {
                    use ::gateway_sdk::__private::{WithoutJson as _, WithJson as _};
                    (&::gateway_sdk::__private::Probe(#value)).json()
                })
            }
        }
    };
    let keywords = keywords.iter().map(|(keyword, value)| {
        let keyword = keyword.to_string();
        quote!((#keyword, || ::gateway_sdk::__private::serde_json::Value::from(#value)))
    });
    let input = input(ty);
    quote! {
        ::gateway_sdk::__private::Parameter {
            name: #name,
            description: #description,
            default: #default,
            keywords: &[#(#keywords),*],
            schema: #input::schema,
            may_be_missing: #input::may_be_missing,
        }
    }
}

/// The trait of an argument's type. It is named in one way everywhere, so that the compiler's complaint about a type that
/// lacks it is one.
fn input(ty: &syn::Type) -> TokenStream {
    quote_spanned!(ty.span()=> <#ty as ::gateway_sdk::__private::ToolInput>)
}

/// An expression of type `ty`.
fn default_value(value: &DefaultValue, ty: &syn::Type) -> TokenStream {
    match value {
        DefaultValue::OfType => quote_spanned!(ty.span()=> <#ty as ::core::default::Default>::default()),
        // Only a text needs a conversion; for anything else it would hide a mismatch from the author.
        DefaultValue::Value(value) if parameter::is_text(value) => {
            quote_spanned!(value.span()=> <#ty as ::gateway_sdk::__private::TextDefault>::from_text(#value))
        }
        DefaultValue::Value(value) => quote_spanned!(value.span()=> { let value: #ty = #value; value }),
    }
}

fn call(function: &ItemFn, parameters: &[Parameter]) -> TokenStream {
    // Hygiene keeps this local apart from whatever the author calls so; for items there is none, hence the long name.
    let arguments = Ident::new("arguments", Span::mixed_site());
    let values = parameters.iter().map(|parameter| {
        let name = parameter.name.unraw().to_string();
        let input = input(&parameter.ty);
        match &parameter.default {
            None => quote!(#input::take(&mut #arguments, #name)?),
            Some(value) => {
                let value = default_value(value, &parameter.ty);
                quote!(#input::take_or(&mut #arguments, #name, || #value)?)
            }
        }
    });
    let output = item::output(function);
    let result = item::call(function, values);
    quote! {
        fn __gateway_tool_call(
            #[allow(unused_variables, unused_mut)] mut #arguments: ::gateway_sdk::__private::Arguments,
        ) -> ::core::result::Result<::gateway_sdk::ToolResult, ::gateway_sdk::__private::CallFailure> {
            ::core::result::Result::Ok(<#output as ::gateway_sdk::ToolOutput>::into_result(#result))
        }
    }
}
