//! A client that is none.

use super::{Client, Fut};
use crate::{
    payload::Json,
    wire::message::{METHOD_NOT_FOUND, error_object},
};

/// Nobody in particular: hears nothing and cannot be asked. For what the gateway does by itself.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Client for Nobody {
    fn progress(&self, _token: &Json, _params: &Json) {}

    fn ask(&self, method: Box<str>, _params: Option<Json>) -> Fut<'_, Result<Json, Json>> {
        let error = error_object(METHOD_NOT_FOUND, &format!("nobody is there to answer {method}"));
        Box::pin(async { Err(error) })
    }
}
