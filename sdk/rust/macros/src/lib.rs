//! The macros of `gateway-sdk`. Use them through that crate, which documents them and has what they expand to.

mod attributes;
mod completion;
mod docs;
mod export;
mod filter;
mod item;
mod kind;
mod parameter;
mod prompt;
mod resource;
mod signature;
mod template;
mod text;
mod tool;

use proc_macro::TokenStream;
use syn::{Item, ItemFn};

use crate::kind::Kind;

/// Makes a tool of a plain function. Documented as `gateway_sdk::tool`.
#[proc_macro_attribute]
pub fn tool(attributes: TokenStream, item: TokenStream) -> TokenStream {
    expand(Kind::Tool, attributes, item)
}

/// Makes a resource of a plain function. Documented as `gateway_sdk::resource`.
#[proc_macro_attribute]
pub fn resource(attributes: TokenStream, item: TokenStream) -> TokenStream {
    expand(Kind::Resource, attributes, item)
}

/// Makes a prompt of a plain function. Documented as `gateway_sdk::prompt`.
#[proc_macro_attribute]
pub fn prompt(attributes: TokenStream, item: TokenStream) -> TokenStream {
    expand(Kind::Prompt, attributes, item)
}

/// Lets a plain function complete an argument. Documented as `gateway_sdk::completion`.
#[proc_macro_attribute]
pub fn completion(attributes: TokenStream, item: TokenStream) -> TokenStream {
    expand(Kind::Completion, attributes, item)
}

/// Shows a plain function the calls of other tools. Documented as `gateway_sdk::filter`.
#[proc_macro_attribute]
pub fn filter(attributes: TokenStream, item: TokenStream) -> TokenStream {
    expand(Kind::Filter, attributes, item)
}

/// Says what the plugin has. Documented as `gateway_sdk::export`.
#[proc_macro]
pub fn export(names: TokenStream) -> TokenStream {
    export::plugin(names.into()).into()
}

fn expand(kind: Kind, attributes: TokenStream, item: TokenStream) -> TokenStream {
    match syn::parse::<Item>(item) {
        Ok(Item::Fn(function)) => expand_function(kind, attributes.into(), function).into(),
        Ok(other) => {
            let message = format!("#[{}] goes on a function, such as `{}`", kind.word(), kind.example());
            syn::Error::new_spanned(&other, message).into_compile_error().into()
        }
        Err(error) => error.into_compile_error().into(),
    }
}

/// The expansion for a function, or all that is wrong with it at once.
fn expand_function(kind: Kind, attributes: proc_macro2::TokenStream, mut function: ItemFn) -> proc_macro2::TokenStream {
    let entry = match kind {
        Kind::Tool => tool::entry(attributes, &mut function),
        Kind::Resource => resource::entry(attributes, &mut function),
        Kind::Prompt => prompt::entry(attributes, &mut function),
        Kind::Completion => completion::entry(attributes, &function),
        Kind::Filter => filter::entry(&attributes, &function),
    };
    let error = match entry {
        Ok(entry) => return item::whole(&function, kind, &entry),
        Err(error) => error,
    };
    let entry = match kind {
        Kind::Tool => Some(tool::broken()),
        Kind::Resource => Some(resource::broken()),
        Kind::Prompt => Some(prompt::broken()),
        Kind::Completion => Some(completion::broken()),
        Kind::Filter => filter::broken(&function),
    };
    item::broken(&function, kind, entry.as_ref(), &error)
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
