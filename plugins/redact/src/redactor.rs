//! What of a text is taken out.

use std::ops::Range;

use regex_lite::Regex;

use crate::config::{Config, Kind};
use crate::json::JsonString;
use crate::{assigned, shapes};

/// Takes out what the configuration names.
pub(crate) struct Redactor {
    kinds: Vec<Kind>,
    patterns: Vec<(String, Regex)>,
    /// Around the name of the kind, where it is told.
    replacement: (String, Option<String>),
}

/// A piece of a text, and what it is.
struct Found<'a> {
    range: Range<usize>,
    name: &'a str,
}

impl Redactor {
    /// # Errors
    /// A pattern is no regular expression.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        let patterns = config.patterns.iter().map(|(name, pattern)| {
            let regex = Regex::new(pattern).map_err(|error| format!("config: `patterns.{name}`: {error}"))?;
            Ok((name.clone(), regex))
        });
        let replacement = match config.replacement.split_once("{kind}") {
            Some((before, after)) => (before.to_owned(), Some(after.to_owned())),
            None => (config.replacement.clone(), None),
        };
        Ok(Self { kinds: config.kinds.clone(), patterns: patterns.collect::<Result<_, String>>()?, replacement })
    }

    /// The text without what is to be hidden; `None` where nothing is.
    pub(crate) fn redact(&self, text: &str) -> Option<String> {
        let mut found = Vec::new();
        for kind in &self.kinds {
            let mut add = |range: Range<usize>| found.push(Found { range, name: kind.name() });
            match kind {
                Kind::Github | Kind::Aws | Kind::Slack => shapes::tokens(text, *kind, &mut add),
                Kind::Jwt => shapes::web_tokens(text, &mut add),
                Kind::PrivateKey => shapes::private_keys(text, &mut add),
                Kind::Email => shapes::addresses(text, &mut add),
                Kind::Password => assigned::values(text, &mut add),
            }
        }
        for (name, regex) in &self.patterns {
            let ranges = regex.find_iter(text).map(|found| found.range()).filter(|range| !range.is_empty());
            found.extend(ranges.map(|range| Found { range, name }));
        }
        self.without(text, found)
    }

    /// The same for a string in JSON, whose name says something too.
    pub(crate) fn redact_string(&self, string: &JsonString<'_>) -> Option<String> {
        let is_secret = string.member.is_some_and(assigned::is_secret) && self.kinds.contains(&Kind::Password);
        match is_secret && !string.text.is_empty() {
            true => Some(self.in_place_of(Kind::Password.name())),
            false => self.redact(string.text),
        }
    }

    fn without(&self, text: &str, mut found: Vec<Found<'_>>) -> Option<String> {
        if found.is_empty() {
            return None;
        }
        // Of two that begin together the longer one hides the other.
        found.sort_by_key(|found| (found.range.start, std::cmp::Reverse(found.range.end)));
        let mut left = String::with_capacity(text.len());
        let mut end = 0;
        for Found { range, name } in found {
            if range.start >= end {
                left.push_str(&text[end..range.start]);
                left.push_str(&self.in_place_of(name));
            }
            end = end.max(range.end);
        }
        left.push_str(&text[end..]);
        Some(left)
    }

    fn in_place_of(&self, name: &str) -> String {
        match &self.replacement {
            (before, Some(after)) => format!("{before}{name}{after}"),
            (all, None) => all.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> String {
        Redactor::new(&Config::default()).unwrap().redact(text).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn pieces_that_overlap_are_taken_out_as_one() {
        let token = format!("ghp_{}", "a".repeat(36));
        assert_eq!(redacted(&format!("TOKEN={token} b")), "TOKEN=[redacted github] b");
        assert_eq!(redacted(&format!("x password={token}@example.com y")), "x password=[redacted password] y");
    }

    #[test]
    fn the_configuration_says_what_and_how() {
        let config = Config {
            kinds: vec![Kind::Email],
            patterns: [("customer".to_owned(), r"K-\d{4}".to_owned())].into(),
            replacement: "<{kind}>".to_owned(),
        };
        let redactor = Redactor::new(&config).unwrap();
        let text = "K-1234 a@example.com password=hunter2";
        assert_eq!(redactor.redact(text).as_deref(), Some("<customer> <email> password=hunter2"));
        assert_eq!(redactor.redact("nothing"), None);

        let fixed = Config { replacement: "***".to_owned(), ..Config::default() };
        assert_eq!(Redactor::new(&fixed).unwrap().redact("a@example.com").as_deref(), Some("***"));
        let wrong = Config { patterns: [("bad".to_owned(), "(".to_owned())].into(), ..Config::default() };
        assert!(Redactor::new(&wrong).err().unwrap().starts_with("config: `patterns.bad`: "));
    }

    #[test]
    fn a_member_with_a_secret_name_is_secret() {
        let redactor = Redactor::new(&Config::default()).unwrap();
        let string = |member, text| redactor.redact_string(&JsonString { member, text });
        assert_eq!(string(Some("dbPassword"), "x").as_deref(), Some("[redacted password]"));
        assert_eq!(string(Some("dbPassword"), ""), None);
        assert_eq!(string(Some("nextPageToken"), "x"), None);
        assert_eq!(string(None, "x"), None);
    }
}
