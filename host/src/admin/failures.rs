//! What can go wrong, for the description of the API.

use utoipa::IntoResponses;

use super::answer::ApiError;

/// What can go wrong wherever something is read.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "only the description is made of it")]
pub(super) enum Reading {
    /// The request makes no sense.
    #[response(status = 400)]
    Bad(#[to_schema] ApiError),
    /// Nobody who may come in asks.
    #[response(status = 401)]
    Nobody(#[to_schema] ApiError),
    /// The role may not do this, or the page that asks is not the gateway's own.
    #[response(status = 403)]
    Denied(#[to_schema] ApiError),
    /// There is no such thing, or none that the role may know of.
    #[response(status = 404)]
    Unknown(#[to_schema] ApiError),
}

/// What can go wrong wherever something is changed.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "only the description is made of it")]
pub(super) enum Changing {
    /// The request makes no sense.
    #[response(status = 400)]
    Bad(#[to_schema] ApiError),
    /// Nobody who may come in asks.
    #[response(status = 401)]
    Nobody(#[to_schema] ApiError),
    /// The role may not do this, `gateway.yaml` does not allow it, or the page that asks is not the gateway's own.
    #[response(status = 403)]
    Denied(#[to_schema] ApiError),
    /// There is no such thing, or none that the role may know of.
    #[response(status = 404)]
    Unknown(#[to_schema] ApiError),
    /// The name is taken.
    #[response(status = 409)]
    Taken(#[to_schema] ApiError),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(#[to_schema] ApiError),
    /// The body is not JSON, or does not say so.
    #[response(status = 415)]
    NotJson(#[to_schema] ApiError),
    /// The change could not be kept.
    #[response(status = 500)]
    NotKept(#[to_schema] ApiError),
}
