//! The macros of `gateway-sdk`. Use them through that crate, which documents them and has what they expand to.

mod attributes;
mod docs;
mod expand;
mod export;
mod parameter;
mod signature;

use proc_macro::TokenStream;
use syn::{Item, ItemFn};

/// Makes a tool of a plain function. Documented as `gateway_sdk::tool`.
#[proc_macro_attribute]
pub fn tool(attributes: TokenStream, item: TokenStream) -> TokenStream {
    match syn::parse::<Item>(item) {
        Ok(Item::Fn(function)) => tool_function(attributes.into(), function).into(),
        Ok(other) => {
            let error =
                syn::Error::new_spanned(&other, "#[tool] goes on a function, such as `fn add(a: f64, b: f64) -> f64`");
            error.into_compile_error().into()
        }
        Err(error) => error.into_compile_error().into(),
    }
}

/// Says which tools the plugin has. Documented as `gateway_sdk::export`.
#[proc_macro]
pub fn export(names: TokenStream) -> TokenStream {
    export::plugin(names.into()).into()
}

/// The expansion for a function, or all that is wrong with it at once.
fn tool_function(attributes: proc_macro2::TokenStream, mut function: ItemFn) -> proc_macro2::TokenStream {
    let checked = check(attributes, &mut function);
    match checked {
        Ok(tool) => expand::tool(&function, &tool),
        Err(error) => expand::broken(&function, &error),
    }
}

/// Everything that the expansion needs beside the function itself.
struct Tool {
    attributes: attributes::Attributes,
    description: String,
    parameters: Vec<parameter::Parameter>,
}

/// Reads and checks the function, and strips what only `#[tool]` understands from its parameters.
fn check(attributes: proc_macro2::TokenStream, function: &mut ItemFn) -> syn::Result<Tool> {
    let mut problems = Problems::default();
    let attributes = problems.collect(attributes::parse(attributes, &function.sig.ident));
    let description = problems.collect(docs::description(function));
    problems.collect(signature::check(&function.sig));
    let parameters = problems.collect(parameter::take(&mut function.sig));
    match (problems.0, attributes, description, parameters) {
        (None, Some(attributes), Some(description), Some(parameters)) => {
            Ok(Tool { attributes, description, parameters })
        }
        (problems, ..) => {
            Err(problems.unwrap_or_else(|| syn::Error::new_spanned(&function.sig, "#[tool] cannot read this function")))
        }
    }
}

/// Errors so far: one compilation shows them all.
#[derive(Default)]
struct Problems(Option<syn::Error>);

impl Problems {
    /// The value, where there is one; the error is kept.
    fn collect<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(error);
                None
            }
        }
    }

    fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// `value`, unless something was wrong.
    fn into_result<T>(self, value: T) -> syn::Result<T> {
        self.0.map_or(Ok(value), Err)
    }
}
