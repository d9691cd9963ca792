//! Steps of a pipeline that come with a call, for the sources that take them.

use super::Fut;
use crate::{
    call::Call,
    error::CallError,
    payload::{Json, Reply},
};

/// Runs steps that come with a call, as those of a configured pipeline are run: each under the caller's role.
pub trait RunSteps: Send + Sync {
    /// Runs `steps`, a list of JSON, on `input`, an object.
    ///
    /// # Errors
    /// Where they are no steps. What fails in one of them is said in the result.
    fn run<'a>(&'a self, steps: &'a Json, input: Option<Json>, call: &'a Call) -> Fut<'a, Result<Reply, CallError>>;
}
