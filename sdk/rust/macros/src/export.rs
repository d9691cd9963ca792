//! `export!`, which lists the tools of a plugin.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Path, Token};

use crate::expand;

/// The plugin that has the tools of these names.
pub(crate) fn plugin(names: TokenStream) -> TokenStream {
    let tools = match tools(names) {
        Ok(tools) => tools,
        Err(error) => return error.into_compile_error(),
    };
    quote! {
        const _: () = {
            struct Plugin;
            impl ::gateway_sdk::__private::Plugin for Plugin {
                const TOOLS: &'static [::gateway_sdk::__private::Entry] =
                    &[#(<#tools as ::gateway_sdk::__private::Tool>::ENTRY),*];
            }
            ::gateway_sdk::__private::assert_distinct(<Plugin as ::gateway_sdk::__private::Plugin>::TOOLS);
            ::gateway_sdk::__export_component!(Plugin);
        };
    }
}

/// The markers of the tools.
fn tools(names: TokenStream) -> syn::Result<Vec<Path>> {
    let names = Punctuated::<Path, Token![,]>::parse_terminated.parse2(names).map_err(|error| {
        let usage = "name the tools, separated by commas, as in `gateway_sdk::export!(add, text::say);`";
        syn::Error::new(error.span(), usage)
    })?;
    if names.is_empty() {
        let usage = "a plugin has at least one tool: name it, as in `gateway_sdk::export!(add);`";
        return Err(syn::Error::new(Span::call_site(), usage));
    }
    let markers = names.into_iter().map(|mut path| {
        if let Some(last) = path.segments.last_mut() {
            last.ident = expand::marker_name(&last.ident);
        }
        path
    });
    Ok(markers.collect())
}
