//! `if`: what decides whether a step runs.

use std::cmp::Ordering;

use gateway_core::payload::Json;
use serde_json::Value;

use super::template::{Malformed, Reference, Scope, Template, Unfilled};

/// What decides whether a step runs.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    Always(bool),
    Truth(Template),
    Not(Box<Condition>),
    Compare(Template, Comparison, Template),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The longer ones first, since the shorter ones begin them.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::Different),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

impl Condition {
    /// Reads the value of `if`.
    ///
    /// # Errors
    /// Where it decides nothing.
    pub(super) fn read(value: &Value) -> Result<Self, Malformed> {
        match value {
            Value::Bool(always) => Ok(Self::Always(*always)),
            Value::String(text) => Self::text(text),
            _ => Err(malformed("a condition is a text, or `true` or `false`")),
        }
    }

    fn text(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if let Some((at, sign, comparison)) = comparison(text) {
            let (left, right) = (operand(&text[..at])?, operand(&text[at + sign.len()..])?);
            if left.references().is_empty() && right.references().is_empty() {
                return Err(malformed(&format!("`{text}` compares two values that are always the same")));
            }
            return Ok(Self::Compare(left, comparison, right));
        }
        if let Some(inner) = text.strip_prefix('!') {
            return Ok(Self::Not(Box::new(Self::text(inner)?)));
        }
        match Template::text(text)? {
            Template::Constant(_) => Err(malformed(&format!("`{text}` refers to nothing"))),
            template => Ok(Self::Truth(template)),
        }
    }

    /// All references in it.
    pub(super) fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Always(_) => Vec::new(),
            Self::Truth(template) => template.references(),
            Self::Not(inner) => inner.references(),
            Self::Compare(left, _, right) => left.references().into_iter().chain(right.references()).collect(),
        }
    }

    /// Whether it holds. What is missing counts as `null`.
    pub(super) fn holds(&self, scope: &dyn Scope) -> Result<bool, Unfilled> {
        match self {
            Self::Always(always) => Ok(*always),
            Self::Truth(template) => Ok(is_true(&value(template, scope)?)),
            Self::Not(inner) => Ok(!inner.holds(scope)?),
            Self::Compare(left, comparison, right) => Ok(comparison.holds(&value(left, scope)?, &value(right, scope)?)),
        }
    }
}

impl Comparison {
    fn holds(self, left: &Value, right: &Value) -> bool {
        let order = match (left, right) {
            (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            // Of anything else, nothing is more or less.
            (a, b) => (a == b).then_some(Ordering::Equal),
        };
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::Different => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

/// The first comparison outside of references and quotes, with its place.
fn comparison(text: &str) -> Option<(usize, &'static str, Comparison)> {
    let (mut inside, mut quote) = (false, None);
    for (at, c) in text.char_indices() {
        match (inside, quote, c) {
            (true, _, '}') => inside = false,
            (true, ..) => {}
            (false, Some(open), c) => quote = (c != open).then_some(open),
            (false, None, '$') if text[at..].starts_with("${") => inside = true,
            (false, None, '"' | '\'') => quote = Some(c),
            (false, None, _) => {
                if let Some((sign, comparison)) = COMPARISONS.iter().find(|(sign, _)| text[at..].starts_with(sign)) {
                    return Some((at, sign, *comparison));
                }
            }
        }
    }
    None
}

/// One side of a comparison: a reference, a value in JSON, or a text with quotes or without.
fn operand(text: &str) -> Result<Template, Malformed> {
    let text = text.trim();
    if text.is_empty() {
        return Err(malformed("one side of the comparison is missing"));
    }
    if !text.contains("${") {
        let quoted = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
        let literal = match quoted {
            Some(text) => Json::from_value(text),
            None => Json::parse(text.to_owned()).unwrap_or_else(|_| Json::from_value(text)),
        };
        return Ok(Template::Constant(literal));
    }
    Template::text(text)
}

fn value(template: &Template, scope: &dyn Scope) -> Result<Value, Unfilled> {
    let filled = match template.fill(scope) {
        Err(Unfilled::Missing(_)) => return Ok(Value::Null),
        filled => filled?,
    };
    Ok(filled.to().unwrap_or_default())
}

/// `false`, `null`, 0 and whatever is empty are not.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

fn malformed(message: &str) -> Malformed {
    let hint = "write a reference, `!` before one, or a comparison: `if: \"${input.count} > 3\"`";
    Malformed { message: message.to_owned(), hint: hint.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::template::Root, *};

    fn scope(root: &Root) -> Option<Json> {
        let input =
            json!({ "yes": true, "no": false, "null": null, "zero": 0, "n": 7, "t": "abc", "e": "", "l": [], "o": {} });
        matches!(root, Root::Input).then(|| Json::from_value(&input))
    }

    #[test]
    fn what_holds_and_what_does_not() {
        let cases = [
            ("${input.yes}", true),
            ("${input.no}", false),
            ("${input.null}", false),
            ("${input.zero}", false),
            ("${input.n}", true),
            ("${input.t}", true),
            ("${input.e}", false),
            ("${input.l}", false),
            ("${input.o}", false),
            ("${input}", true),
            ("${input.nope}", false),
            ("${input.nope:-true}", true),
            ("${steps.x.text}", false),
            ("!${input.no}", true),
            ("! ${input.nope}", true),
            ("!!${input.yes}", true),
            ("${input.n} == 7", true),
            ("${input.n}==7.0", true),
            ("${input.n} != 7", false),
            ("${input.n} > 3", true),
            ("${input.n} >= 8", false),
            ("3 < ${input.n}", true),
            ("${input.n} <= 7", true),
            ("${input.n} == \"7\"", false),
            ("${input.t} == abc", true),
            ("${input.t} == 'abc'", true),
            ("${input.t} == \"abc\"", true),
            ("${input.t} != a b", true),
            ("${input.t} < abd", true),
            ("${input.t} > 3", false),
            ("${input.nope} == null", true),
            ("${input.nope} != null", false),
            ("${input.l} == []", true),
            ("x${input.n} == x7", true),
            ("${input.t:-a==b} == abc", true),
        ];
        for (text, expected) in cases {
            let condition = Condition::read(&json!(text)).unwrap_or_else(|error| panic!("{text}: {}", error.message));
            assert_eq!(condition.holds(&scope), Ok(expected), "{text}");
        }
        assert_eq!(Condition::read(&json!(false)).unwrap().holds(&scope), Ok(false));
    }

    #[test]
    fn what_is_no_condition() {
        for value in
            [json!(""), json!("yes"), json!("!"), json!("1 == 1"), json!("${input.n} =="), json!("${input.n"), json!(1)]
        {
            assert!(Condition::read(&value).is_err(), "{value}");
        }
    }
}
