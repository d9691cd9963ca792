//! What commands say when they fail, and with which exit code.

use std::{fmt, process::ExitCode};

use crate::config::{LoadError, NotFound};

/// Wrong usage or configuration: exit code 2. Everything else that fails is 1.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Usage {
    message: String,
    hint: Option<String>,
}

impl Usage {
    /// Without a hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// With the line to write.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A hint beside any other error; attach it with `error.context(Hint(…))`.
#[derive(Debug)]
pub struct Hint(pub String);

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The exit code of a command that failed.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    let usage = error.is::<Usage>() || error.is::<LoadError>() || error.is::<NotFound>();
    ExitCode::from(if usage { 2 } else { 1 })
}

/// The error as a person reads it: thing, cause, cause of that; then the hint.
#[must_use]
pub fn render(error: &anyhow::Error) -> String {
    if let Some(LoadError::Invalid(report)) = error.downcast_ref() {
        // Says of each mistake by itself that it is one.
        return report.to_string();
    }
    let hint = error.downcast_ref::<Usage>().and_then(|usage| usage.hint.clone());
    let no_configuration = error.is::<NotFound>() || matches!(error.downcast_ref(), Some(LoadError::NotFound(_)));
    let begin = || "name one with --config, or begin one with `gateway server add` or `gateway plugin add`".to_owned();
    let hint = hint.or_else(|| no_configuration.then(begin));
    let hint = hint.or_else(|| error.downcast_ref::<Hint>().map(|hint| hint.0.clone()));
    // The hint is the outermost context, and no part of the sentence.
    let skip = usize::from(error.downcast_ref::<Hint>().is_some());
    let causes: Vec<String> = error.chain().skip(skip).map(ToString::to_string).collect();
    let mut text = format!("error: {}\n", causes.join(": "));
    if let Some(hint) = hint {
        text.push_str("hint: ");
        text.push_str(&hint);
        text.push('\n');
    }
    text
}
