//! A plugin's prompts: texts for people to choose and fill.

use std::fmt::Display;

use crate::arguments::TextInput;
use crate::{Content, Role, plugin};

/// A function with `#[prompt]`.
pub trait Prompt {
    /// What the plugin knows about it.
    const ENTRY: PromptEntry;
}

/// One prompt.
#[derive(Clone, Copy, Debug)]
pub struct PromptEntry {
    /// The plugin's own name for it.
    pub name: &'static str,
    /// Its name for people.
    pub title: Option<&'static str>,
    /// What it is for.
    pub description: &'static str,
    /// What it can be filled with.
    pub parameters: &'static [PromptParameter],
    /// Fills it.
    pub get: fn(PromptArguments) -> Result<PromptResult, PromptFailure>,
}

/// Something that a prompt can be filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptParameter {
    /// Its name.
    pub name: &'static str,
    /// What it is; may be empty.
    pub description: &'static str,
    /// Whether the prompt needs it.
    pub required: bool,
}

/// Why there is no prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptFailure {
    /// The plugin has no such prompt.
    NotFound,
    /// An argument is wrong; says which and why.
    InvalidArguments(String),
    /// Anything else, in one sentence.
    Failed(String),
}

/// The arguments that are still to be taken.
#[derive(Debug, Default)]
pub struct PromptArguments(pub Vec<(String, String)>);

/// A filled prompt.
///
/// ```
/// use gateway_sdk::{PromptMessage, PromptResult, prompt};
///
/// /// A lesson in counting.
/// #[prompt]
/// fn count() -> PromptResult {
///     PromptResult::new([PromptMessage::user("What comes after 1?"), PromptMessage::assistant("2")])
/// }
///
/// assert_eq!(count().messages.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct PromptResult {
    /// What it is for, where that is another than the prompt's own description.
    pub description: Option<String>,
    /// The messages, in order.
    pub messages: Vec<PromptMessage>,
}

/// One message of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: Content,
}

/// What a function with [`#[prompt]`](macro@crate::prompt) may return: a text or a [`Content`], which the user says; a
/// [`PromptMessage`] or several; a [`PromptResult`]; a `Result` of these, whose error the client gets to read.
#[diagnostic::on_unimplemented(
    message = "a prompt cannot be a `{Self}`",
    label = "not something that messages are made of",
    note = "return a text, `Content`, `PromptMessage`, `Vec<PromptMessage>`, `PromptResult` or a `Result` of these"
)]
pub trait PromptOutput: Sized {
    /// The filled prompt.
    ///
    /// # Errors
    ///
    /// Why it could not be filled.
    fn into_prompt(self) -> Result<PromptResult, PromptFailure>;
}

/// Fills the prompt of that name.
pub fn get(prompts: &[PromptEntry], name: &str, arguments: PromptArguments) -> Result<PromptResult, PromptFailure> {
    let prompt = prompts.iter().find(|prompt| prompt.name == name).ok_or(PromptFailure::NotFound)?;
    if let Some((unknown, _)) = arguments.0.iter().find(|(name, _)| !prompt.takes(name)) {
        return Err(PromptFailure::InvalidArguments(format!("unknown argument `{unknown}`")));
    }
    (prompt.get)(arguments)
}

// === impl PromptEntry ===

impl PromptEntry {
    /// Stands in for a prompt that did not compile; it has no name.
    pub const BROKEN: Self =
        Self { name: "", title: None, description: "", parameters: &[], get: |_| Err(PromptFailure::NotFound) };

    pub(crate) const fn takes(&self, argument: &str) -> bool {
        let mut index = 0;
        while index < self.parameters.len() {
            if plugin::same(self.parameters[index].name, argument) {
                return true;
            }
            index += 1;
        }
        false
    }
}

// === impl PromptArguments ===

impl PromptArguments {
    /// The argument of that name.
    ///
    /// # Errors
    ///
    /// It is missing, or its text is no `T`.
    pub fn take<T: TextInput>(&mut self, name: &str) -> Result<T, PromptFailure> {
        let missing = || PromptFailure::InvalidArguments(format!("missing argument `{name}`"));
        self.take_optional(name)?.ok_or_else(missing)
    }

    /// The argument of that name, where there is one.
    ///
    /// # Errors
    ///
    /// Its text is no `T`.
    pub fn take_optional<T: TextInput>(&mut self, name: &str) -> Result<Option<T>, PromptFailure> {
        let Some(at) = self.0.iter().position(|(argument, _)| argument == name) else { return Ok(None) };
        let (_, value) = self.0.swap_remove(at);
        let wrong = |error| PromptFailure::InvalidArguments(format!("`{name}`: {error}"));
        T::read(&value).map(Some).map_err(wrong)
    }
}

// === impl PromptResult ===

impl PromptResult {
    /// A prompt of these messages.
    pub fn new(messages: impl IntoIterator<Item = PromptMessage>) -> Self {
        Self { description: None, messages: messages.into_iter().collect() }
    }

    /// The same, with what it is for.
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }
}

// === impl PromptMessage ===

impl PromptMessage {
    /// What the person says.
    pub fn user(content: impl Into<Content>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// What the model says.
    pub fn assistant(content: impl Into<Content>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

// === impl PromptOutput ===

impl PromptOutput for PromptResult {
    fn into_prompt(self) -> Result<PromptResult, PromptFailure> {
        Ok(self)
    }
}

impl PromptOutput for Vec<PromptMessage> {
    fn into_prompt(self) -> Result<PromptResult, PromptFailure> {
        Ok(PromptResult::new(self))
    }
}

impl PromptOutput for PromptMessage {
    fn into_prompt(self) -> Result<PromptResult, PromptFailure> {
        Ok(PromptResult::new([self]))
    }
}

macro_rules! said_by_the_user {
    ($($ty:ty),+) => {$(
        impl PromptOutput for $ty {
            fn into_prompt(self) -> Result<PromptResult, PromptFailure> {
                PromptMessage::user(self).into_prompt()
            }
        }
    )+};
}

said_by_the_user!(String, &'static str, Content);

impl<T: PromptOutput, E: Display> PromptOutput for Result<T, E> {
    fn into_prompt(self) -> Result<PromptResult, PromptFailure> {
        match self {
            Ok(output) => output.into_prompt(),
            Err(error) => Err(PromptFailure::Failed(error.to_string())),
        }
    }
}
