//! What a tool may return.

use std::borrow::Cow;
use std::fmt::Display;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{Content, ToolResult, schema};

/// What a tool may return.
///
/// | type | the model reads | programs read |
/// |---|---|---|
/// | `()` | nothing | – |
/// | texts, numbers, `bool`, `char` | the value | – |
/// | [`Json<T>`] | its JSON text | the value, with a schema |
/// | `(text, Json<T>)` | the text | the value, with a schema |
/// | [`Content`], `Vec<Content>` | the pieces | – |
/// | [`ToolResult`] | what it says | what it says |
/// | `Result<T, E>` | `T`, or the error's message, marked as an error | as `T` |
#[diagnostic::on_unimplemented(
    message = "a tool cannot return `{Self}`",
    label = "not something that a result is made of",
    note = "return a text, a number, `Content`, `Vec<Content>`, `ToolResult` or a `Result` of these",
    note = "a type with `Serialize` and `JsonSchema` is returned as `gateway_sdk::Json<{Self}>`"
)]
pub trait ToolOutput {
    /// The JSON Schema of the structured content, where the type has any.
    #[must_use]
    fn output_schema() -> Option<Value> {
        None
    }

    /// The result that the caller gets.
    fn into_result(self) -> ToolResult;
}

/// A value that programs can read: structured content with an output schema made from the type.
///
/// MCP wants an object there, so anything else (a list, a number) stands as `result` in one. The model reads the same as
/// JSON text; return `(text, Json(value))` where it should read something better.
///
/// ```
/// use gateway_sdk::schemars::JsonSchema;
/// use gateway_sdk::serde::Serialize;
/// use gateway_sdk::{Json, tool};
///
/// #[derive(Serialize, JsonSchema)]
/// #[serde(crate = "gateway_sdk::serde")]
/// #[schemars(crate = "gateway_sdk::schemars")]
/// struct Count {
///     /// How many words there are.
///     words: usize,
/// }
///
/// /// Count the words of a text.
/// #[tool]
/// fn count(text: String) -> Json<Count> {
///     Json(Count { words: text.split_whitespace().count() })
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

// === impl ToolOutput ===

impl ToolOutput for ToolResult {
    fn into_result(self) -> ToolResult {
        self
    }
}

impl ToolOutput for () {
    fn into_result(self) -> ToolResult {
        ToolResult::new()
    }
}

impl ToolOutput for Content {
    fn into_result(self) -> ToolResult {
        ToolResult::new().with(self)
    }
}

impl ToolOutput for Vec<Content> {
    fn into_result(self) -> ToolResult {
        ToolResult { content: self, ..ToolResult::default() }
    }
}

impl ToolOutput for String {
    fn into_result(self) -> ToolResult {
        ToolResult::new().with(self)
    }
}

macro_rules! displayed {
    ($($ty:ty),+) => {$(
        impl ToolOutput for $ty {
            fn into_result(self) -> ToolResult {
                ToolResult::new().with(self.to_string())
            }
        }
    )+};
}

displayed!(&'static str, Cow<'static, str>, bool, char);
displayed!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

/// The shortest text that means the number, with an exponent where it would be long otherwise (`1e+300`, as in JSON). The
/// standard library writes all 300 digits, and is 15 KB of code that nothing else in a plugin needs.
macro_rules! floating {
    ($($ty:ty),+) => {$(
        impl ToolOutput for $ty {
            fn into_result(self) -> ToolResult {
                let text = match serde_json::to_string(&self) {
                    Ok(text) if self.is_finite() => text.strip_suffix(".0").map(str::to_owned).unwrap_or(text),
                    _ if self.is_nan() => "NaN".to_owned(),
                    _ if self > 0.0 => "Infinity".to_owned(),
                    _ => "-Infinity".to_owned(),
                };
                ToolResult::new().with(text)
            }
        }
    )+};
}

floating!(f32, f64);

impl<T: Serialize + JsonSchema> ToolOutput for Json<T> {
    fn output_schema() -> Option<Value> {
        Some(schema::of_output::<T>())
    }

    fn into_result(self) -> ToolResult {
        let result = ToolResult::new().with_structured(&self.0);
        match &result.structured {
            Some(text) => {
                let text = text.clone();
                result.with(text)
            }
            None => result,
        }
    }
}

impl<S: Into<String>, T: Serialize + JsonSchema> ToolOutput for (S, Json<T>) {
    fn output_schema() -> Option<Value> {
        Json::<T>::output_schema()
    }

    fn into_result(self) -> ToolResult {
        let (text, Json(value)) = self;
        ToolResult::new().with(Content::text(text)).with_structured(&value)
    }
}

impl<T: ToolOutput, E: Display> ToolOutput for Result<T, E> {
    fn output_schema() -> Option<Value> {
        T::output_schema()
    }

    fn into_result(self) -> ToolResult {
        match self {
            Ok(output) => output.into_result(),
            Err(error) => ToolResult::error(error.to_string()),
        }
    }
}
