//! What is not as it was agreed to.

use std::fmt;

use serde_json::Value;

/// Differences that one sentence names.
const NAMED: usize = 6;

/// Characters of a value that are shown.
const SHOWN: usize = 100;

/// Something that is not as it was agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where, such as `tools.add.inputSchema.properties.a.type`.
    pub place: String,
    /// What it was; `None`: it is new.
    pub was: Option<String>,
    /// What it is; `None`: it is gone.
    pub is: Option<String>,
}

impl Difference {
    /// Of two texts, if there is one.
    pub(super) fn of_texts(place: &str, was: Option<String>, is: Option<String>) -> Option<Self> {
        (was != is).then(|| Self { place: place.to_owned(), was, is })
    }

    /// All of two values, as deep as they go.
    pub(super) fn of_values(place: &str, was: &Value, is: &Value, found: &mut Vec<Self>) {
        match (was, is) {
            (Value::Object(before), Value::Object(after)) => {
                let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
                keys.sort();
                keys.dedup();
                for key in keys {
                    let inner = format!("{place}.{}", plain(key));
                    match (before.get(key), after.get(key)) {
                        (Some(was), Some(is)) => Self::of_values(&inner, was, is, found),
                        (was, is) => found.push(Self { place: inner, was: was.map(shown), is: is.map(shown) }),
                    }
                }
            }
            // The order of a list is of no interest where nothing is new and nothing gone.
            (Value::Array(before), Value::Array(after)) => {
                let gone = before.iter().filter(|item| !after.contains(item));
                let come = after.iter().filter(|item| !before.contains(item));
                let gone = gone.map(|item| Self { place: place.to_owned(), was: Some(shown(item)), is: None });
                let come = come.map(|item| Self { place: place.to_owned(), was: None, is: Some(shown(item)) });
                let seen = found.len();
                found.extend(gone.chain(come));
                if found.len() == seen && before != after {
                    found.push(Self { place: place.to_owned(), was: Some(shown(was)), is: Some(shown(is)) });
                }
            }
            (was, is) if was != is => {
                found.push(Self { place: place.to_owned(), was: Some(shown(was)), is: Some(shown(is)) });
            }
            _ => {}
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.was, &self.is) {
            (Some(was), Some(is)) => write!(f, "{} was {was} and is {is}", self.place),
            (Some(was), None) => write!(f, "{}: {was} is gone", self.place),
            (None, Some(is)) => write!(f, "{}: {is} is new", self.place),
            (None, None) => f.write_str(&self.place),
        }
    }
}

/// All of them in one sentence, the first ones in words.
#[must_use]
pub fn sentence(differences: &[Difference]) -> String {
    let named: Vec<String> = differences.iter().take(NAMED).map(ToString::to_string).collect();
    let rest = differences.len().saturating_sub(NAMED);
    let more = if rest > 0 { format!("; and {rest} more") } else { String::new() };
    format!("{}{more}", named.join("; "))
}

/// A value on one line, of bounded length, and without what a terminal would act on: a plugin has written it.
fn shown(value: &Value) -> String {
    let text = plain(&value.to_string());
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A text without what a terminal would act on.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
