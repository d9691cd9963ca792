//! `export!`, which lists what a plugin has.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Ident, Path, Token, bracketed};

use crate::kind::Kind;
use crate::{Problems, filter, item};

const USAGE: &str = "name the tools, separated by commas, as in `gateway_sdk::export!(add, text::say);`";
const PARTS: &str = "a plugin has `tools`, `resources`, `prompts`, `completions` and `filter`, as in \
                     `gateway_sdk::export! { tools: [add], prompts: [review] }`";
const NOTHING: &str = "a plugin has at least one tool: name it, as in `gateway_sdk::export!(add);`";

/// One part of what a plugin has.
struct Part {
    kind: Kind,
    functions: Vec<Path>,
}

/// The plugin that has what is named.
pub(crate) fn plugin(names: TokenStream) -> TokenStream {
    let parts = match parts.parse2(names) {
        Ok(parts) => parts,
        Err(error) => return error.into_compile_error(),
    };
    let constants: syn::Result<Vec<TokenStream>> = parts.iter().map(Part::constant).collect();
    let constants = match constants {
        Ok(constants) => constants,
        Err(error) => return error.into_compile_error(),
    };
    let exports = parts.iter().map(|part| Ident::new(part.export(), Span::call_site()));
    quote! {
        const _: () = {
            struct Plugin;
            impl ::gateway_sdk::__private::Plugin for Plugin {
                #(#constants)*
            }
            ::gateway_sdk::__private::assert_reachable::<Plugin>();
            ::gateway_sdk::__export_component!(Plugin: #(#exports)*);
        };
    }
}

fn parts(input: ParseStream<'_>) -> syn::Result<Vec<Part>> {
    let parts = if input.peek(Ident) && input.peek2(Token![:]) && !input.peek2(Token![::]) {
        Punctuated::<Part, Token![,]>::parse_terminated_with(input, Part::parse)?.into_iter().collect()
    } else {
        let functions = Punctuated::<Path, Token![,]>::parse_terminated(input)
            .map_err(|error| syn::Error::new(error.span(), USAGE))?;
        vec![Part { kind: Kind::Tool, functions: functions.into_iter().collect() }]
    };
    if parts.iter().all(|part| part.functions.is_empty()) {
        return Err(syn::Error::new(Span::call_site(), NOTHING));
    }
    // A component that exports an empty list would be asked for it.
    Ok(parts.into_iter().filter(|part| !part.functions.is_empty()).collect())
}

impl Part {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name: Ident = input.parse()?;
        let kind = match name.to_string().as_str() {
            "tools" => Kind::Tool,
            "resources" => Kind::Resource,
            "prompts" => Kind::Prompt,
            "completions" => Kind::Completion,
            "filter" => Kind::Filter,
            _ => return Err(syn::Error::new(name.span(), PARTS)),
        };
        input.parse::<Token![:]>()?;
        let functions;
        bracketed!(functions in input);
        let functions = Punctuated::<Path, Token![,]>::parse_terminated(&functions)?;
        Ok(Self { kind, functions: functions.into_iter().collect() })
    }

    /// The constants of `Plugin` that list it.
    fn constant(&self) -> syn::Result<TokenStream> {
        let markers = self.functions.iter().map(|path| marker(path, self.kind));
        let (constant, entry, implements) = match self.kind {
            Kind::Tool => (quote!(TOOLS), quote!(Entry), quote!(Tool)),
            Kind::Resource => (quote!(RESOURCES), quote!(ResourceEntry), quote!(Resource)),
            Kind::Prompt => (quote!(PROMPTS), quote!(PromptEntry), quote!(Prompt)),
            Kind::Completion => (quote!(COMPLETIONS), quote!(CompletionEntry), quote!(Completer)),
            Kind::Filter => return self.filters(),
        };
        Ok(quote! {
            const #constant: &'static [::gateway_sdk::__private::#entry] =
                &[#(<#markers as ::gateway_sdk::__private::#implements>::ENTRY),*];
        })
    }

    fn filters(&self) -> syn::Result<TokenStream> {
        let mut problems = Problems::default();
        let mut seen = [false; 2];
        let mut constants = TokenStream::new();
        for path in &self.functions {
            let Some(last) = path.segments.last() else { continue };
            let Some(is_before) = problems.collect(filter::is_before(&last.ident)) else { continue };
            if std::mem::replace(&mut seen[usize::from(is_before)], true) {
                problems.add(syn::Error::new_spanned(path, "a plugin has one filter of this name"));
                continue;
            }
            let marker = marker(path, Kind::Filter);
            constants.extend(match is_before {
                true => quote! {
                    const BEFORE: ::core::option::Option<fn(&::gateway_sdk::ToolCall) -> ::gateway_sdk::Decision> =
                        ::core::option::Option::Some(<#marker as ::gateway_sdk::__private::Before>::RUN);
                },
                false => quote! {
                    const AFTER: ::core::option::Option<
                        fn(&::gateway_sdk::ToolCall, ::gateway_sdk::ToolResultJson) -> ::gateway_sdk::Verdict,
                    > = ::core::option::Option::Some(<#marker as ::gateway_sdk::__private::After>::RUN);
                },
            });
        }
        problems.into_result(constants)
    }

    /// What `__export_component!` calls it.
    fn export(&self) -> &'static str {
        match self.kind {
            Kind::Tool => "tool",
            Kind::Resource => "resources",
            Kind::Prompt => "prompts",
            Kind::Completion => "completions",
            Kind::Filter => "filter",
        }
    }
}

/// What carries the entry of a function.
fn marker(path: &Path, kind: Kind) -> Path {
    let mut path = path.clone();
    if let Some(last) = path.segments.last_mut() {
        last.ident = item::marker_name(&last.ident, kind);
    }
    path
}
