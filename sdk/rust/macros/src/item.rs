//! What the code of all attributes has in common.
//!
//! Beside the function stands an empty `enum` that carries what the plugin knows about it. `export!` makes its name from
//! that of the function. It is not the function's own name, which would be free among types: a module is often called so.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::ItemFn;
use syn::ext::IdentExt;

use crate::kind::Kind;

/// A constant of the trait that the marker implements.
pub(crate) struct Entry {
    /// Below `::gateway_sdk::__private`.
    pub(crate) implements: TokenStream,
    /// The constant, and all that it needs.
    pub(crate) constant: TokenStream,
}

/// The function and what the plugin knows about it.
pub(crate) fn whole(function: &ItemFn, kind: Kind, entry: &Entry) -> TokenStream {
    let carried = carried(function, kind, entry);
    quote! {
        // It owns its arguments, takes as many as there are, and may be `async` for the sake of its callers.
        #[allow(clippy::needless_pass_by_value, clippy::too_many_arguments, clippy::unused_async)]
        #function
        #carried
    }
}

/// The function as far as it goes, and the errors: without the entry, `export!` would complain a second time.
pub(crate) fn broken(function: &ItemFn, kind: Kind, entry: Option<&Entry>, error: &syn::Error) -> TokenStream {
    let error = error.to_compile_error();
    // An item beside a method would be one error more, about something that nobody wrote.
    let carried = entry.filter(|_| function.sig.receiver().is_none()).map(|entry| carried(function, kind, entry));
    quote! {
        #[allow(unused)]
        #function
        #carried
        #error
    }
}

/// The name stands in the compiler's error where `export!` names a function that is none, so it says what is missing.
pub(crate) fn marker_name(function: &Ident, kind: Kind) -> Ident {
    Ident::new(&format!("__{}_with_{}_attribute", function.unraw(), kind.word()), function.span())
}

fn carried(function: &ItemFn, kind: Kind, Entry { implements, constant }: &Entry) -> TokenStream {
    let name = marker_name(&function.sig.ident, kind);
    let visibility = &function.vis;
    quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, clippy::empty_enums)]
        #visibility enum #name {}
        impl ::gateway_sdk::__private::#implements for #name {
            #constant
        }
    }
}

/// The type that the function returns.
pub(crate) fn output(function: &ItemFn) -> TokenStream {
    match &function.sig.output {
        syn::ReturnType::Default => quote!(()),
        syn::ReturnType::Type(_, ty) => quote!(#ty),
    }
}

/// A call of the function to its end.
pub(crate) fn call(function: &ItemFn, arguments: impl IntoIterator<Item = TokenStream>) -> TokenStream {
    let name = &function.sig.ident;
    let arguments = arguments.into_iter();
    let call = quote!(#name(#(#arguments),*));
    match function.sig.asyncness {
        Some(_) => quote!(::gateway_sdk::__private::block_on(#call)),
        None => call,
    }
}

pub(crate) fn optional<T: quote::ToTokens>(value: Option<&T>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}
