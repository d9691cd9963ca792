//! The tools of {{name}}: every function with `#[tool]` that `export!` names is one.

use std::collections::BTreeMap;

use gateway_sdk::{Json, tool};
use schemars::JsonSchema;
use serde::Serialize;

/// How often words occur in a text.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Words {
    /// All words of the text.
    total: usize,
    /// The most frequent ones, and how often each occurs.
    frequent: BTreeMap<String, usize>,
}

/// Count the words of a text, and tell which of them are frequent.
#[tool(title = "Count words", read_only, idempotent, open_world = false)]
fn count(
    /// the text
    text: String,
    /// how many of the frequent words to tell
    #[default(3)]
    #[schema(minimum = 1, maximum = 100)]
    most: usize,
) -> Result<Json<Words>, String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    let total = counts.values().sum();
    if total == 0 {
        return Err("there are no words in this text".to_owned());
    }
    let mut frequent: Vec<(String, usize)> = counts.into_iter().collect();
    frequent.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    frequent.truncate(most);
    Ok(Json(Words { total, frequent: frequent.into_iter().collect() }))
}

gateway_sdk::export!(count);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted() {
        let Json(words) = count("to be or not to be".to_owned(), 2).unwrap();
        assert_eq!(words.total, 6);
        assert_eq!(words.frequent, BTreeMap::from([("be".to_owned(), 2), ("to".to_owned(), 2)]));
    }

    #[test]
    fn no_words_are_an_error() {
        assert!(count(" ".to_owned(), 3).is_err());
    }
}
