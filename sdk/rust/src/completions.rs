//! What could be meant while somebody fills a prompt, or the variable of a template.

use std::fmt::Display;

use crate::prompts::{PromptEntry, PromptFailure};
use crate::resources::ResourceEntry;

/// The most values that MCP lets an answer have.
const MOST: usize = 100;

/// A function with `#[completion]`.
pub trait Completer {
    /// What the plugin knows about it.
    const ENTRY: CompletionEntry;
}

/// What completes one argument.
#[derive(Clone, Copy, Debug)]
pub struct CompletionEntry {
    /// Whose argument it is.
    pub of: Completes,
    /// The argument, or the variable.
    pub argument: &'static str,
    /// Completes what was typed.
    pub complete: fn(String, Chosen) -> Result<Completion, PromptFailure>,
}

/// Whose argument is completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completes {
    /// That of the prompt of this name.
    Prompt(&'static str),
    /// That of this template.
    Template(&'static str),
    /// Nobody's: the function did not compile.
    Nothing,
}

/// The arguments that are chosen already, beside the one that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen(pub(crate) Vec<(String, String)>);

/// What could be meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Completion {
    /// Values, best first. MCP takes 100: of more, the first 100 are sent, with how many there are.
    pub values: Vec<String>,
    /// How many there are in all, where that is more than `values` and known.
    pub total: Option<u32>,
    /// Whether there are more than `values`.
    pub has_more: Option<bool>,
}

/// What a function with [`#[completion]`](macro@crate::completion) may return: a list of texts, a [`Completion`], or a
/// `Result` of these.
#[diagnostic::on_unimplemented(
    message = "a completion cannot be a `{Self}`",
    label = "not a list of values",
    note = "return `Vec<String>`, `Vec<&'static str>`, `Completion` or a `Result` of these"
)]
pub trait CompletionOutput: Sized {
    /// What could be meant.
    ///
    /// # Errors
    ///
    /// Why that cannot be told.
    fn into_completion(self) -> Result<Completion, PromptFailure>;
}

/// Completes an argument of a prompt. One that nothing completes has no values.
pub fn of_prompt(
    completions: &[CompletionEntry],
    prompts: &[PromptEntry],
    name: &str,
    (argument, typed): (&str, String),
    chosen: Chosen,
) -> Result<Completion, PromptFailure> {
    if prompts.iter().all(|prompt| prompt.name != name) {
        return Err(PromptFailure::NotFound);
    }
    let is = |of: Completes| matches!(of, Completes::Prompt(prompt) if prompt == name);
    complete(completions.iter().filter(|entry| is(entry.of)), argument, typed, chosen)
}

/// Completes a variable of a template. One that nothing completes has no values.
pub fn of_template(
    completions: &[CompletionEntry],
    resources: &[ResourceEntry],
    uri: &str,
    (variable, typed): (&str, String),
    chosen: Chosen,
) -> Result<Completion, PromptFailure> {
    if resources.iter().all(|resource| resource.uri != uri || !resource.is_template()) {
        return Err(PromptFailure::NotFound);
    }
    let is = |of: Completes| matches!(of, Completes::Template(template) if template == uri);
    complete(completions.iter().filter(|entry| is(entry.of)), variable, typed, chosen)
}

fn complete<'a>(
    mut entries: impl Iterator<Item = &'a CompletionEntry>,
    argument: &str,
    typed: String,
    chosen: Chosen,
) -> Result<Completion, PromptFailure> {
    match entries.find(|entry| entry.argument == argument) {
        Some(entry) => (entry.complete)(typed, chosen).map(Completion::shortened),
        None => Ok(Completion::default()),
    }
}

// === impl CompletionEntry ===

impl CompletionEntry {
    /// Stands in for a completion that did not compile.
    pub const BROKEN: Self =
        Self { of: Completes::Nothing, argument: "", complete: |_, _| Err(PromptFailure::NotFound) };
}

// === impl Chosen ===

impl Chosen {
    /// The value of the argument of that name, where it has one.
    #[must_use]
    pub fn get(&self, argument: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == argument).map(|(_, value)| value.as_str())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Chosen {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(chosen: T) -> Self {
        Self(chosen.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

// === impl Completion ===

impl Completion {
    /// Those of `values` that begin with what was typed, in any case of its letters.
    pub fn matching<T: Into<String>>(values: impl IntoIterator<Item = T>, typed: &str) -> Self {
        let typed = typed.to_lowercase();
        let values = values.into_iter().map(Into::into);
        let values = values.filter(|value: &String| value.to_lowercase().starts_with(&typed)).collect();
        Self { values, total: None, has_more: None }
    }

    fn shortened(mut self) -> Self {
        if self.values.len() > MOST {
            self.total = self.total.or_else(|| u32::try_from(self.values.len()).ok());
            self.has_more = Some(true);
            self.values.truncate(MOST);
        }
        self
    }
}

// === impl CompletionOutput ===

impl CompletionOutput for Completion {
    fn into_completion(self) -> Result<Completion, PromptFailure> {
        Ok(self)
    }
}

impl CompletionOutput for Vec<String> {
    fn into_completion(self) -> Result<Completion, PromptFailure> {
        Ok(Completion { values: self, total: None, has_more: None })
    }
}

impl CompletionOutput for Vec<&'static str> {
    fn into_completion(self) -> Result<Completion, PromptFailure> {
        self.into_iter().map(str::to_owned).collect::<Vec<_>>().into_completion()
    }
}

impl<T: CompletionOutput, E: Display> CompletionOutput for Result<T, E> {
    fn into_completion(self) -> Result<Completion, PromptFailure> {
        match self {
            Ok(output) => output.into_completion(),
            Err(error) => Err(PromptFailure::Failed(error.to_string())),
        }
    }
}
