//! What came of a case, held against what was expected.

use gateway_core::{
    error::{CallError, FailureKind},
    filter::{Decision, Verdict},
    payload::Reply,
};
use gateway_wasm::observe::Measured;
use serde_json::Value;

use super::script::Expect;

/// What came of a case.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A result of MCP.
    Result(Value),
    /// None, for a reason.
    Failed {
        /// The reason, with its hint.
        reason: String,
        /// Whether something was not granted.
        denied: bool,
    },
    /// A filter lets it pass.
    Unchanged,
    /// A filter puts these arguments in the place of the call's.
    Arguments(Value),
    /// A filter refuses it.
    Refused(String),
}

impl Outcome {
    pub(super) fn of(reply: Result<Reply, CallError>) -> Self {
        match reply {
            Ok(reply) => Self::Result(reply.body.to().unwrap_or_default()),
            Err(CallError::Failed(failure)) => {
                let denied = failure.kind == FailureKind::Denied;
                let reason = match &failure.hint {
                    Some(hint) => format!("{}\nhint: {hint}", failure.message),
                    None => failure.message.to_string(),
                };
                Self::Failed { reason, denied }
            }
            Err(error) => Self::Failed { reason: error.to_string(), denied: false },
        }
    }

    pub(super) fn decided(decision: Result<Decision, CallError>) -> Self {
        match decision {
            Ok(Decision::Proceed) => Self::Unchanged,
            Ok(Decision::Rewrite(arguments)) => Self::Arguments(arguments.to().unwrap_or_default()),
            Ok(Decision::Refuse(reason)) => Self::Refused(reason),
            Err(error) => Self::of(Err(error)),
        }
    }

    pub(super) fn judged(verdict: Result<Verdict, CallError>) -> Self {
        match verdict {
            Ok(Verdict::Keep) => Self::Unchanged,
            Ok(Verdict::Replace(result)) => Self::Result(result.to().unwrap_or_default()),
            Ok(Verdict::Withhold(reason)) => Self::Refused(reason),
            Err(error) => Self::of(Err(error)),
        }
    }

    /// Why it failed, if it did: the reason, or the texts of a result that says so.
    fn failure(&self) -> Option<String> {
        match self {
            Self::Failed { reason, .. } => Some(reason.clone()),
            Self::Result(result) if result["isError"] == true => Some(texts(result)),
            _ => None,
        }
    }

    fn is_denial(&self) -> bool {
        match self {
            Self::Failed { denied, .. } => *denied,
            // The gateway writes what was denied below the plugin's own words.
            Self::Result(result) => result["isError"] == true && texts(result).contains("\nhint: "),
            _ => false,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Result(result) => result.to_string(),
            Self::Failed { reason, .. } => format!("a failure: {reason}"),
            Self::Unchanged => "no change".to_owned(),
            Self::Arguments(arguments) => format!("the arguments {arguments}"),
            Self::Refused(reason) => format!("a refusal: {reason}"),
        }
    }

    /// What is not as it was expected.
    pub(super) fn mismatches(&self, expect: &Expect, measured: &Measured) -> Vec<String> {
        let mut wrong = Vec::new();
        let fails = expect.error.is_some() || expect.denied.is_some();
        match (self.failure(), fails) {
            (Some(reason), true) => {
                let words = [&expect.error, &expect.denied].into_iter().flatten();
                wrong.extend(
                    words
                        .filter(|word| !reason.contains(*word))
                        .map(|word| format!("expected a failure with {word:?}, got {reason:?}")),
                );
                if expect.denied.is_some() && !self.is_denial() {
                    wrong.push(format!("expected something to be denied, got {reason:?}"));
                }
            }
            (Some(reason), false) => wrong.push(format!("expected no failure, got {reason:?}")),
            (None, true) => wrong.push(format!("expected a failure, got {}", self.shown())),
            (None, false) => {}
        }
        self.result_mismatches(expect, &mut wrong);
        self.filter_mismatches(expect, &mut wrong);
        if let (Some(limit), Some(used)) = (expect.fuel, measured.fuel)
            && used > limit
        {
            wrong.push(format!("expected at most {limit} fuel, used {used}"));
        }
        if let Some(limit) = expect.memory.filter(|limit| measured.memory > limit.get()) {
            wrong.push(format!("expected at most {limit} of memory, used {} bytes", measured.memory));
        }
        wrong
    }

    fn result_mismatches(&self, expect: &Expect, wrong: &mut Vec<String>) {
        let result = match self {
            Self::Result(result) => result,
            _ => &Value::Null,
        };
        let text = texts(result);
        if let Some(expected) = expect.text.as_ref().filter(|expected| expected.trim_end() != text.trim_end()) {
            wrong.push(format!("expected the text {expected:?}, got {text:?}"));
        }
        if let Some(part) = expect.contains.as_ref().filter(|part| !text.contains(*part)) {
            wrong.push(format!("expected {part:?} in the text, got {text:?}"));
        }
        let structured = &result["structuredContent"];
        if let Some(expected) = expect.structured.as_ref().filter(|expected| !same(expected, structured)) {
            wrong.push(format!("expected the structured content {expected}, got {structured}"));
        }
        if let Some(expected) = expect.result.as_ref().filter(|expected| !same(expected, result)) {
            wrong.push(format!("expected the result {expected}, got {}", self.shown()));
        }
    }

    fn filter_mismatches(&self, expect: &Expect, wrong: &mut Vec<String>) {
        if expect.unchanged == Some(true) && !matches!(self, Self::Unchanged) {
            wrong.push(format!("expected no change, got {}", self.shown()));
        }
        if let Some(expected) = &expect.arguments
            && !matches!(self, Self::Arguments(found) if same(expected, found))
        {
            wrong.push(format!("expected the arguments {expected}, got {}", self.shown()));
        }
        if let Some(word) = &expect.refused
            && !matches!(self, Self::Refused(reason) if reason.contains(word))
        {
            wrong.push(format!("expected a refusal with {word:?}, got {}", self.shown()));
        }
    }
}

/// Whether two values mean the same: `1` and `1.0` do.
fn same(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => expected == found,
    }
}

/// The texts of a result: of a tool's content, a prompt's messages or a resource's contents.
fn texts(result: &Value) -> String {
    let blocks = result["content"].as_array().into_iter().flatten();
    let messages = result["messages"].as_array().into_iter().flatten().map(|message| &message["content"]);
    let contents = result["contents"].as_array().into_iter().flatten();
    let texts = blocks.chain(messages).chain(contents).filter_map(|block| block["text"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mismatches(outcome: &Outcome, expect: Value) -> Vec<String> {
        let expect: Expect = serde_json::from_value(expect).unwrap();
        outcome.mismatches(&expect, &Measured::default())
    }

    #[test]
    fn results_are_held_against_what_was_expected() {
        let content = json!([{ "type": "text", "text": "3" }]);
        let result = Outcome::Result(json!({ "content": content, "structuredContent": { "sum": 3.0 } }));
        let table = [
            (json!({}), 0),
            (json!({ "text": "3", "structured": { "sum": 3 } }), 0),
            (json!({ "text": "4", "contains": "4" }), 2),
            (json!({ "structured": { "sum": 3, "more": 1 } }), 1),
            (json!({ "error": "no" }), 1),
            (json!({ "unchanged": true }), 1),
            (json!({ "refused": "no" }), 1),
        ];
        for (expect, wrong) in table {
            assert_eq!(mismatches(&result, expect.clone()).len(), wrong, "{expect}");
        }
    }

    #[test]
    fn failures_are_expected_or_not() {
        let denied = "no\nplugin \"p\": host \"a:443\" is not allowed\nhint: add it";
        let failed = Outcome::Result(json!({ "content": [{ "type": "text", "text": denied }], "isError": true }));
        assert!(mismatches(&failed, json!({ "error": "no" })).is_empty());
        assert!(mismatches(&failed, json!({ "denied": "a:443" })).is_empty());
        assert_eq!(mismatches(&failed, json!({ "denied": "b:443" })).len(), 1);
        assert_eq!(mismatches(&failed, json!({})).len(), 1);
        let other = Outcome::Failed { reason: "time limit".to_owned(), denied: false };
        assert_eq!(mismatches(&other, json!({ "denied": "time" })).len(), 1);
    }

    #[test]
    fn filters_have_outcomes_of_their_own() {
        assert!(mismatches(&Outcome::Unchanged, json!({ "unchanged": true })).is_empty());
        let rewritten = Outcome::Arguments(json!({ "a": 1 }));
        assert!(mismatches(&rewritten, json!({ "arguments": { "a": 1 } })).is_empty());
        assert_eq!(mismatches(&rewritten, json!({ "unchanged": true })).len(), 1);
        assert!(mismatches(&Outcome::Refused("never".to_owned()), json!({ "refused": "nev" })).is_empty());
    }
}
