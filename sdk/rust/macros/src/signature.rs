//! What a tool's signature may look like, apart from its parameters.

use syn::{FnArg, ReturnType, Signature, Type};

use crate::Problems;

/// Says what to do about each part of the signature that a tool cannot have.
pub(crate) fn check(signature: &Signature) -> syn::Result<()> {
    let mut problems = Problems::default();
    let mut refuse =
        |tokens: &dyn quote::ToTokens, message: &str| problems.add(syn::Error::new_spanned(tokens, message));
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        refuse(
            receiver,
            "a tool is a plain function, not a method: every call has a fresh instance, so there is no `self` to keep",
        );
    }
    if !signature.generics.params.is_empty() {
        refuse(&signature.generics.params, "a tool cannot be generic: its schema needs concrete types");
    }
    if let Some(clause) = &signature.generics.where_clause {
        refuse(clause, "a tool cannot be generic: its schema needs concrete types");
    }
    if let Some(unsafety) = &signature.unsafety {
        refuse(
            unsafety,
            "a tool is called by the gateway, which cannot keep a promise that `unsafe` asks for: make it a safe function",
        );
    }
    if let Some(abi) = &signature.abi {
        refuse(abi, "a tool is a plain Rust function: leave `extern` out");
    }
    if let Some(variadic) = &signature.variadic {
        refuse(variadic, "a tool's parameters are named: take a `Vec<T>`");
    }
    if let ReturnType::Type(_, ty) = &signature.output
        && matches!(**ty, Type::ImplTrait(_))
    {
        refuse(ty, "name the type that the tool returns: its schema needs concrete types");
    }
    if let (Some(asyncness), false) = (&signature.asyncness, cfg!(feature = "async")) {
        refuse(
            asyncness,
            "an `async fn` tool needs the feature `async` of gateway-sdk: \
             write `gateway-sdk = { ..., features = [\"async\"] }` in Cargo.toml",
        );
    }
    problems.into_result(())
}
