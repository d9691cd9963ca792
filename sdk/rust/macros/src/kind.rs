//! What a function may be made of, and how the messages call it.

/// The attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tool,
    Resource,
    Prompt,
    Completion,
    Filter,
}

impl Kind {
    /// The attribute, and the word for what it makes.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Resource => "resource",
            Self::Prompt => "prompt",
            Self::Completion => "completion",
            Self::Filter => "filter",
        }
    }

    /// A function that it may stand on.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Tool => "fn add(a: f64, b: f64) -> f64",
            Self::Resource => "fn readme() -> String",
            Self::Prompt => "fn review(diff: String) -> String",
            Self::Completion => "fn languages(typed: &str) -> Vec<String>",
            Self::Filter => "fn before(call: &ToolCall) -> Decision",
        }
    }

    /// Why it cannot be generic.
    pub(crate) fn concrete(self) -> &'static str {
        match self {
            Self::Tool => "its schema needs concrete types",
            _ => "the plugin has to know the types",
        }
    }
}
