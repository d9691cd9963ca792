//! What counts as a word, and as the same word.

use std::{collections::HashMap, sync::LazyLock};

use rust_stemmers::{Algorithm, Stemmer};

/// Words that say nothing about what a tool does.
const EMPTY: [&str; 44] = [
    "a", "an", "and", "any", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "how", "i", "if", "in",
    "into", "is", "it", "its", "me", "my", "of", "on", "or", "please", "should", "that", "the", "their", "them",
    "then", "this", "to", "tool", "use", "want", "what", "which", "will", "with", "you",
];

/// Words that stand for the same where tools are concerned.
const ALIKE: [&[&str]; 18] = [
    &["folder", "directory", "dir"],
    &["delete", "remove", "erase", "drop"],
    &["create", "make", "new", "add"],
    &["find", "search", "lookup", "query"],
    &["get", "fetch", "retrieve", "read", "show", "view", "open", "load", "download"],
    &["list", "show", "ls", "enumerate"],
    &["edit", "modify", "change", "update", "patch"],
    &["write", "save", "store"],
    &["move", "rename"],
    &["picture", "image", "photo"],
    &["db", "database"],
    &["repo", "repository"],
    &["sum", "add", "plus", "addition"],
    &["weather", "forecast"],
    &["env", "environment"],
    &["connect", "link", "relate", "relation"],
    &["message", "mail", "email"],
    &["note", "remember", "memory", "knowledge"],
];

/// By its stem, the stems of what stands for the same.
static SAME: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let stemmer = Stemmer::create(Algorithm::English);
    let mut same: HashMap<String, Vec<String>> = HashMap::new();
    for group in ALIKE {
        let stems: Vec<String> = group.iter().map(|word| stemmer.stem(word).into_owned()).collect();
        for stem in &stems {
            let others = same.entry(stem.clone()).or_default();
            others.extend(stems.iter().filter(|other| *other != stem).cloned());
        }
    }
    same
});

/// Stems of words that stand for the same as this one.
pub(super) fn alike(stem: &str) -> &'static [String] {
    SAME.get(stem).map(Vec::as_slice).unwrap_or_default()
}

/// Makes stems of texts, each word's once.
pub(super) struct Stems {
    stemmer: Stemmer,
    known: HashMap<String, String>,
}

impl Stems {
    pub(super) fn new() -> Self {
        Self { stemmer: Stemmer::create(Algorithm::English), known: HashMap::new() }
    }

    /// The stems of a text, in order.
    pub(super) fn of(&mut self, text: &str) -> Vec<String> {
        let mut stems = Vec::new();
        for word in split(text) {
            if EMPTY.binary_search(&&*word).is_ok() {
                continue;
            }
            let stem = match self.known.get(&word) {
                Some(stem) => stem.clone(),
                None => {
                    let stem = self.stemmer.stem(&word).into_owned();
                    self.known.insert(word, stem.clone());
                    stem
                }
            };
            stems.push(stem);
        }
        stems
    }
}

/// A text without what stands between its words, as names are compared.
pub(super) fn joined(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The words of a text in small letters: `read_file`, `readFile`, `read-file` and `HTTPServer2` fall apart too.
fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for run in text.split(|c: char| !c.is_alphanumeric()) {
        let letters: Vec<char> = run.chars().collect();
        let mut word = String::new();
        for (at, letter) in letters.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|before| letters.get(before));
            let after_small = before.is_some_and(|before| before.is_lowercase() || before.is_numeric());
            // The last capital of several belongs to the word that follows.
            let ends_capitals = before.is_some_and(|before| before.is_uppercase())
                && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
            if letter.is_uppercase() && (after_small || ends_capitals) && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.extend(letter.to_lowercase());
        }
        if !word.is_empty() {
            words.push(word);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_apart_into_words() {
        for (text, words) in [
            ("read_text_file", "read text file"),
            ("readTextFile", "read text file"),
            ("read-text-file", "read text file"),
            ("HTTPServer2", "http server2"),
            ("get_URL", "get url"),
            ("sha256Sum", "sha256 sum"),
            ("", ""),
            ("Größe ändern", "größe ändern"),
        ] {
            assert_eq!(split(text).join(" "), words, "{text}");
        }
    }

    #[test]
    fn forms_of_a_word_are_one() {
        let mut stems = Stems::new();
        assert_eq!(stems.of("searching searches searched"), stems.of("search search search"));
        assert_eq!(stems.of("the directories of a file"), stems.of("directory files"));
    }

    #[test]
    fn empty_words_are_sorted() {
        assert!(EMPTY.is_sorted());
    }
}
