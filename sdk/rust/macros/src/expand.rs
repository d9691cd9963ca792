//! The code that a tool becomes.
//!
//! Beside the function stands an empty `enum` that carries the tool's entry. `export!` makes its name from that of the
//! function. It is not the function's own name, which would be free among types: a module is often called so.
//!
//! The entry is a table rather than code, and arguments are taken one by one from a map: a plugin is paid for by the
//! byte, and a derived struct per tool came to 12 KB each.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ItemFn;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::Tool;
use crate::parameter::{self, DefaultValue, Parameter};

/// The function and its entry in the plugin's list of tools.
pub(crate) fn tool(function: &ItemFn, tool: &Tool) -> TokenStream {
    let marker = marker(function);
    let name = marker_name(&function.sig.ident);
    let entry = entry(function, tool);
    let call = call(function, &tool.parameters);
    quote! {
        // A tool owns its arguments, takes as many as its schema has, and may be `async` for the sake of its callers.
        #[allow(clippy::needless_pass_by_value, clippy::too_many_arguments, clippy::unused_async)]
        #function
        #marker
        impl ::gateway_sdk::__private::Tool for #name {
            const ENTRY: ::gateway_sdk::__private::Entry = {
                #call
                #entry
            };
        }
    }
}

/// The function as far as it goes, and the errors: without the entry, `export!` would complain a second time.
pub(crate) fn broken(function: &ItemFn, error: &syn::Error) -> TokenStream {
    let error = error.to_compile_error();
    let marker = marker(function);
    let name = marker_name(&function.sig.ident);
    // An item beside a method would be one error more, about something that nobody wrote.
    let entry = function.sig.receiver().is_none().then(|| {
        quote! {
            #marker
            impl ::gateway_sdk::__private::Tool for #name {
                const ENTRY: ::gateway_sdk::__private::Entry = ::gateway_sdk::__private::Entry::BROKEN;
            }
        }
    });
    quote! {
        #[allow(unused)]
        #function
        #entry
        #error
    }
}

/// The name stands in the compiler's error where `export!` names a function that is no tool, so it says what is missing.
pub(crate) fn marker_name(function: &Ident) -> Ident {
    Ident::new(&format!("__{}_with_tool_attribute", function.unraw()), function.span())
}

fn marker(function: &ItemFn) -> TokenStream {
    let name = marker_name(&function.sig.ident);
    let visibility = &function.vis;
    quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, clippy::empty_enums)]
        #visibility enum #name {}
    }
}

fn entry(function: &ItemFn, tool: &Tool) -> TokenStream {
    let attributes = &tool.attributes;
    let (name, description) = (&attributes.name, &tool.description);
    let title = optional(attributes.title.as_ref());
    let read_only = optional(attributes.read_only.as_ref());
    let destructive = optional(attributes.destructive.as_ref());
    let idempotent = optional(attributes.idempotent.as_ref());
    let open_world = optional(attributes.open_world.as_ref());
    let output = output(function);
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

/// The type that the function returns.
fn output(function: &ItemFn) -> TokenStream {
    match &function.sig.output {
        syn::ReturnType::Default => quote!(()),
        syn::ReturnType::Type(_, ty) => quote!(#ty),
    }
}

fn call(function: &ItemFn, parameters: &[Parameter]) -> TokenStream {
    let name = &function.sig.ident;
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
    let output = output(function);
    let call = quote!(#name(#(#values),*));
    let result = match function.sig.asyncness {
        Some(_) => quote!(::gateway_sdk::__private::block_on(#call)),
        None => call,
    };
    quote! {
        fn __gateway_tool_call(
            #[allow(unused_variables, unused_mut)] mut #arguments: ::gateway_sdk::__private::Arguments,
        ) -> ::core::result::Result<::gateway_sdk::ToolResult, ::gateway_sdk::__private::CallFailure> {
            ::core::result::Result::Ok(<#output as ::gateway_sdk::ToolOutput>::into_result(#result))
        }
    }
}

fn optional<T: quote::ToTokens>(value: Option<&T>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}
