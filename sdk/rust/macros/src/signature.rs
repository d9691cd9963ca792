//! What a signature may look like, apart from its parameters.

use syn::{FnArg, ReturnType, Signature, Type};

use crate::Problems;
use crate::kind::Kind;

/// Says what to do about each part of the signature that the function cannot have.
pub(crate) fn check(signature: &Signature, kind: Kind) -> syn::Result<()> {
    let (word, concrete) = (kind.word(), kind.concrete());
    let mut problems = Problems::default();
    let mut refuse =
        |tokens: &dyn quote::ToTokens, message: &str| problems.add(syn::Error::new_spanned(tokens, message));
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        refuse(
            receiver,
            &format!(
                "a {word} is a plain function, not a method: every call has a fresh instance, so there is no `self` to \
                 keep"
            ),
        );
    }
    let generic = format!("a {word} cannot be generic: {concrete}");
    if !signature.generics.params.is_empty() {
        refuse(&signature.generics.params, &generic);
    }
    if let Some(clause) = &signature.generics.where_clause {
        refuse(clause, &generic);
    }
    if let Some(unsafety) = &signature.unsafety {
        refuse(
            unsafety,
            &format!("a {word} is called by the gateway, which cannot keep what `unsafe` asks for: make it safe"),
        );
    }
    if let Some(abi) = &signature.abi {
        refuse(abi, &format!("a {word} is a plain Rust function: leave `extern` out"));
    }
    if let Some(variadic) = &signature.variadic {
        refuse(variadic, &format!("a {word}'s parameters are named: take a `Vec<T>`"));
    }
    if let ReturnType::Type(_, ty) = &signature.output
        && matches!(**ty, Type::ImplTrait(_))
    {
        refuse(ty, &format!("name the type that the {word} returns: {concrete}"));
    }
    if let (Some(asyncness), false) = (&signature.asyncness, cfg!(feature = "async")) {
        refuse(
            asyncness,
            &format!(
                "an `async fn` {word} needs the feature `async` of gateway-sdk: \
                 write `gateway-sdk = {{ ..., features = [\"async\"] }}` in Cargo.toml"
            ),
        );
    }
    problems.into_result(())
}
