//! Regular expressions.

use std::collections::BTreeMap;
use std::fmt;

use regex::{Captures, NoExpand, Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Serialize;

/// The most memory that a pattern may take when it is compiled, in bytes: `(a{1000}){1000}` is short and huge.
const LARGEST_PATTERN: usize = 4 * 1024 * 1024;

/// What to look for.
pub(crate) struct Pattern<'a> {
    pub(crate) pattern: &'a str,
    pub(crate) ignore_case: bool,
    pub(crate) literal: bool,
}

/// What was found.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Found {
    /// The first matches.
    pub(crate) matches: Vec<Match>,
    /// How many matches there are in all.
    pub(crate) count: usize,
}

/// One match.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Match {
    /// What matched.
    pub(crate) text: String,
    /// The line in which it begins, from 1.
    pub(crate) line: usize,
    /// The character in that line at which it begins, from 1.
    pub(crate) column: usize,
    /// What the groups matched, by name, or by number from 1. Groups that took no part are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) groups: BTreeMap<String, String>,
}

/// A text after replacing.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Replaced {
    /// The text as it is now.
    pub(crate) text: String,
    /// How many matches were replaced.
    pub(crate) replacements: usize,
}

impl Pattern<'_> {
    pub(crate) fn search(&self, text: &str, limit: usize) -> Result<Found, String> {
        let regex = self.compile()?;
        let mut place = Place { text, offset: 0, line: 1, line_start: 0 };
        let mut found = Found { matches: Vec::new(), count: 0 };
        for captures in regex.captures_iter(text) {
            found.count += 1;
            if found.count <= limit {
                found.matches.push(one(&regex, &captures, &mut place));
            }
        }
        Ok(found)
    }

    pub(crate) fn replace(&self, text: &str, replacement: &str, limit: usize) -> Result<Replaced, String> {
        let regex = self.compile()?;
        let most = if limit == 0 { usize::MAX } else { limit };
        let replacements = regex.find_iter(text).take(most).count();
        let text = if self.literal {
            regex.replacen(text, limit, NoExpand(replacement))
        } else {
            regex.replacen(text, limit, replacement)
        };
        Ok(Replaced { text: text.into_owned(), replacements })
    }

    fn compile(&self) -> Result<Regex, String> {
        let escaped = self.literal.then(|| regex::escape(self.pattern));
        RegexBuilder::new(escaped.as_deref().unwrap_or(self.pattern))
            .case_insensitive(self.ignore_case)
            .size_limit(LARGEST_PATTERN)
            .build()
            .map_err(|error| error.to_string())
    }
}

/// Where a text has been read to. Matches come in order, so lines are counted once.
struct Place<'a> {
    text: &'a str,
    offset: usize,
    line: usize,
    line_start: usize,
}

impl Place<'_> {
    fn move_to(&mut self, offset: usize) {
        let passed = &self.text[self.offset..offset];
        self.line += passed.matches('\n').count();
        if let Some(end) = passed.rfind('\n') {
            self.line_start = self.offset + end + 1;
        }
        self.offset = offset;
    }

    fn column(&self) -> usize {
        self.text[self.line_start..self.offset].chars().count() + 1
    }
}

fn one(regex: &Regex, captures: &Captures<'_>, place: &mut Place<'_>) -> Match {
    let whole = captures.get_match();
    place.move_to(whole.start());
    let groups = regex.capture_names().enumerate().skip(1).filter_map(|(number, name)| {
        let group = captures.get(number)?;
        Some((name.map_or_else(|| number.to_string(), str::to_owned), group.as_str().to_owned()))
    });
    Match { text: whole.as_str().to_owned(), line: place.line, column: place.column(), groups: groups.collect() }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            0 => return f.write_str("no match"),
            1 => f.write_str("1 match")?,
            count => write!(f, "{count} matches")?,
        }
        if self.matches.len() < self.count {
            write!(f, ", of which the first {}", self.matches.len())?;
        }
        for Match { text, line, column, groups } in &self.matches {
            write!(f, "\n{line}:{column}: {text}")?;
            for (name, group) in groups {
                write!(f, "\n  {name}: {group}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(pattern: &str) -> Pattern<'_> {
        Pattern { pattern, ignore_case: false, literal: false }
    }

    #[test]
    fn matches_have_places_and_groups() {
        let found = pattern(r"(?<key>\w+)=(\d+)?").search("ä b=1\n\nc= d=22", 10).unwrap();
        let places: Vec<(usize, usize)> = found.matches.iter().map(|found| (found.line, found.column)).collect();
        assert_eq!(places, [(1, 3), (3, 1), (3, 4)]);
        assert_eq!(found.matches[0].groups, BTreeMap::from([("key".into(), "b".into()), ("2".into(), "1".into())]));
        assert_eq!(found.matches[1].groups, BTreeMap::from([("key".into(), "c".into())]));
    }

    #[test]
    fn matches_beyond_the_limit_are_counted() {
        let found = pattern("a").search("aaa", 1).unwrap();
        assert_eq!((found.matches.len(), found.count), (1, 3));
        assert_eq!(found.to_string(), "3 matches, of which the first 1\n1:1: a");
        assert_eq!(pattern("b").search("aaa", 1).unwrap().to_string(), "no match");
    }

    #[test]
    fn replacing_knows_groups_limits_and_plain_texts() {
        let replaced = pattern(r"(\w)(\d)").replace("a1 b2 c3", "$2$1", 2).unwrap();
        assert_eq!(replaced, Replaced { text: "1a 2b c3".into(), replacements: 2 });
        let literal = Pattern { pattern: "A.", ignore_case: true, literal: true };
        assert_eq!(literal.replace("a. ab", "$1", 0).unwrap().text, "$1 ab");
    }

    #[test]
    fn a_wrong_pattern_says_where() {
        assert!(pattern("(a").search("", 1).unwrap_err().contains("unclosed group"));
        assert!(pattern("((a{1000}){1000}){1000}").search("", 1).is_err());
    }
}
