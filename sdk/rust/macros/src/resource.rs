//! `#[resource]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{ItemFn, LitStr};

use crate::attributes::Given;
use crate::item::{self, Entry};
use crate::kind::Kind;
use crate::template::{self, Part};
use crate::text::{self, TextParameter};
use crate::{Problems, docs, signature};

const KEYS: [&str; 6] = ["uri", "template", "name", "title", "description", "mime_type"];

/// Where the resource is.
struct Address {
    text: LitStr,
    /// The parts of a template.
    parts: Vec<Part>,
}

/// What the plugin knows about a resource.
pub(crate) fn entry(attributes: TokenStream, function: &mut ItemFn) -> syn::Result<Entry> {
    let mut problems = Problems::default();
    let given = problems.collect(Given::parse(attributes, Kind::Resource, &KEYS));
    let address = given.as_ref().and_then(|given| problems.collect(address(given, &function.sig.ident)));
    let documented = problems.collect(docs::text(&function.attrs)).unwrap_or_default();
    problems.collect(signature::check(&function.sig, Kind::Resource));
    let parameters = problems.collect(text::take(&mut function.sig, Kind::Resource));
    if let (Some(address), Some(parameters)) = (&address, &parameters) {
        problems.collect(check(address, parameters));
    }
    match (problems.into_result(())?, given, address, parameters) {
        ((), Some(given), Some(address), Some(parameters)) => {
            Ok(expand(function, &given, &address, &documented, &parameters))
        }
        _ => Err(syn::Error::new_spanned(&function.sig, "#[resource] cannot read this function")),
    }
}

/// In the place of one with mistakes.
pub(crate) fn broken() -> Entry {
    let constant = quote! {
        const ENTRY: ::gateway_sdk::__private::ResourceEntry = ::gateway_sdk::__private::ResourceEntry::BROKEN;
    };
    Entry { implements: quote!(Resource), constant }
}

fn address(given: &Given, function: &Ident) -> syn::Result<Address> {
    match (given.get("uri"), given.get("template")) {
        (Some(uri), None) => {
            let text = uri.value();
            if text.contains('{') {
                return Err(syn::Error::new(uri.span(), "an address with variables is given as `template = \"...\"`"));
            }
            template::check_scheme(&text).map_err(|message| syn::Error::new(uri.span(), message))?;
            Ok(Address { text: uri.clone(), parts: Vec::new() })
        }
        (None, Some(template)) => {
            let parts = template::parse(&template.value());
            let parts = parts.map_err(|message| syn::Error::new(template.span(), message))?;
            Ok(Address { text: template.clone(), parts })
        }
        (Some(_), Some(template)) => {
            Err(syn::Error::new(template.span(), "a resource has a `uri` or a `template`: leave one of them out"))
        }
        (None, None) => Err(syn::Error::new(
            function.span(),
            "a resource needs an address: `#[resource(uri = \"notes:///index\")]`, \
             or `#[resource(template = \"notes:///{id}\")]` with `id` as a parameter",
        )),
    }
}

/// Whether each variable has its parameter, and each parameter its variable.
fn check(Address { text, parts }: &Address, parameters: &[TextParameter]) -> syn::Result<()> {
    let mut problems = Problems::default();
    for name in parts.iter().filter_map(Part::variable) {
        if parameters.iter().all(|parameter| parameter.name != name) {
            let message = format!("the variable `{name}` of the template is no parameter of the function");
            problems.add(syn::Error::new(text.span(), message));
        }
    }
    for parameter in parameters {
        let name = &parameter.name;
        if parts.is_empty() {
            let message = "a resource with a fixed address takes nothing: give it a `template` with variables";
            problems.add(syn::Error::new(parameter.span, message));
        } else if parts.iter().filter_map(Part::variable).all(|variable| variable != name) {
            let message = format!("there is no `{{{name}}}` in the template");
            problems.add(syn::Error::new(parameter.span, message));
        } else if parameter.optional {
            let message = "a variable of a template is always there: take the type itself, not an `Option` of it";
            problems.add(syn::Error::new(parameter.span, message));
        }
    }
    problems.into_result(())
}

fn expand(
    function: &ItemFn,
    given: &Given,
    Address { text, parts }: &Address,
    documented: &str,
    parameters: &[TextParameter],
) -> Entry {
    let name = given.get("name").map_or_else(|| function.sig.ident.unraw().to_string(), LitStr::value);
    let title = item::optional(given.get("title"));
    let description = match given.get("description") {
        Some(description) => quote!(::core::option::Option::Some(#description)),
        None if documented.is_empty() => quote!(::core::option::Option::None),
        None => quote!(::core::option::Option::Some(#documented)),
    };
    let mime_type = item::optional(given.get("mime_type"));
    let parts = parts.iter().map(|part| match part {
        Part::Literal(text) => quote!(::gateway_sdk::__private::Part::Literal(#text)),
        Part::Variable(name) => quote!(::gateway_sdk::__private::Part::Variable(#name)),
        Part::Path(name) => quote!(::gateway_sdk::__private::Part::Path(#name)),
    });
    let output = item::output(function);
    let from = Ident::new("reading", Span::mixed_site());
    let call = item::call(function, parameters.iter().map(|parameter| parameter.value(&from)));
    let constant = quote! {
        const ENTRY: ::gateway_sdk::__private::ResourceEntry = {
            fn __gateway_resource_read(
                #[allow(unused_mut)] mut #from: ::gateway_sdk::__private::Reading<'_>,
            ) -> ::core::result::Result<
                ::std::vec::Vec<::gateway_sdk::EmbeddedResource>,
                ::gateway_sdk::__private::ResourceFailure,
            > {
                let output = #call;
                <#output as ::gateway_sdk::ResourceOutput>::into_contents(output, &#from)
            }
            ::gateway_sdk::__private::ResourceEntry {
                uri: #text,
                template: &[#(#parts),*],
                name: #name,
                title: #title,
                description: #description,
                mime_type: #mime_type,
                read: __gateway_resource_read,
            }
        };
    };
    Entry { implements: quote!(Resource), constant }
}
