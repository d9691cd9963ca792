//! What is asked of a plugin beside its tools.

use std::sync::Arc;

use gateway_core::{
    call::Call,
    error::CallError,
    payload::{Op, Reply, Request},
};

use super::Plugin;
use crate::exports::{
    completions::{self, Complete, Of},
    prompts::{self, GetPrompt},
    resources::{self, ReadResource},
};

impl Plugin {
    pub(super) async fn run_other(&self, request: Request, call: Arc<Call>) -> Result<Reply, CallError> {
        match request.op {
            Op::GetPrompt => self.get_prompt(request, call).await,
            Op::ReadResource => self.read_resource(request, call).await,
            Op::CompletePrompt => {
                let of = Of::Prompt(request.target.clone());
                self.complete(of, request, call).await
            }
            Op::CompleteResource => {
                let of = Of::Template(request.target.clone());
                self.complete(of, request, call).await
            }
            other => Err(CallError::UnknownMethod(other.method().into())),
        }
    }

    async fn get_prompt(&self, request: Request, call: Arc<Call>) -> Result<Reply, CallError> {
        let ready = self.ready(&call).await?;
        let prompt = ready.definitions.prompt(&request.target);
        let prompt = prompt.ok_or_else(|| CallError::UnknownPrompt((*request.target).into()))?;
        let arguments = prompt.fill(request.arguments.as_ref())?;
        let work = GetPrompt { prompt: prompt.name.clone(), arguments };
        let done = self.runner.call(&ready.code, call, work).await?;
        prompts::reply(&self.context, &prompt.name, done.output, done.denial)
    }

    /// Whether it lists the resource, or one of its templates makes it, has been looked at by the catalogue.
    async fn read_resource(&self, request: Request, call: Arc<Call>) -> Result<Reply, CallError> {
        let ready = self.ready(&call).await?;
        let uri = request.target;
        if ready.code.exports.resources.is_none() {
            return Err(CallError::UnknownResource((*uri).into()));
        }
        let done = self.runner.call(&ready.code, call, ReadResource { uri: uri.clone() }).await?;
        resources::reply(&self.context, &uri, done.output, done.denial)
    }

    async fn complete(&self, of: Of, request: Request, call: Arc<Call>) -> Result<Reply, CallError> {
        let ready = self.ready(&call).await?;
        let work = Complete::read(of.clone(), &request)?;
        let argument = &work.argument.name;
        let takes = match &of {
            Of::Prompt(name) => ready.definitions.prompt(name).map(|prompt| prompt.takes(argument)),
            Of::Template(uri) => ready.definitions.template(uri).map(|template| template.takes(argument)),
        };
        match (takes, &of) {
            (Some(true), _) if ready.code.exports.completions.is_none() => return Ok(completions::nothing()),
            (Some(true), _) => {}
            (Some(false), _) => {
                return Err(CallError::InvalidParams(
                    format!("{}: argument {argument:?} is unknown", of.spoken()).into(),
                ));
            }
            (None, Of::Prompt(name)) => return Err(CallError::UnknownPrompt((**name).into())),
            (None, Of::Template(uri)) => return Err(CallError::UnknownResource((**uri).into())),
        }
        let done = self.runner.call(&ready.code, call, work).await?;
        completions::reply(&self.context, &of, done.output, done.denial)
    }
}
