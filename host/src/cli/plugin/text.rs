//! What plugins say about themselves, as it is shown to a person.

use std::fmt::Write as _;

use gateway_core::{name::Naming, payload::Json};
use serde::Deserialize;

/// `text` without what a terminal would act on: a plugin must not be able to hide what it asks for.
#[must_use]
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `123456 bytes (120.6 KiB)`.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "one digit is shown")]
pub(super) fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        0x400..0x10_0000 => format!("{bytes} bytes ({:.1} KiB)", bytes as f64 / 1024.0),
        _ => format!("{bytes} bytes ({:.1} MiB)", bytes as f64 / 1_048_576.0),
    }
}

/// `1 tool`, `2 tools`.
#[must_use]
pub(super) fn tools(count: usize) -> String {
    if count == 1 { "1 tool".to_owned() } else { format!("{count} tools") }
}

/// What a tool's definition says first.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    /// The plugin's own name for it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

impl Head {
    /// Reads a definition; `None` where it is none.
    #[must_use]
    pub(super) fn of(definition: &Json) -> Option<Self> {
        definition.to().ok()
    }

    /// The first sentence of the description; the rest is for models.
    #[must_use]
    pub(super) fn summary(&self) -> String {
        let description = self.description.as_deref().unwrap_or_default();
        let paragraph = description.trim().lines().take_while(|line| !line.trim().is_empty());
        let text = paragraph.map(str::trim).collect::<Vec<_>>().join(" ");
        // What follows `e.g.` or `v1.` does not begin a sentence.
        let begins = |at: usize| text[at + 2..].starts_with(|c: char| c.is_uppercase());
        let end = text.match_indices(". ").map(|(at, _)| at).find(|at| begins(*at));
        plain(end.map_or(text.as_str(), |end| &text[..=end]))
    }
}

/// A line for each tool, by public name.
#[must_use]
pub(super) fn tool_lines(definitions: &[Json], naming: &Naming) -> String {
    let heads: Vec<Head> = definitions.iter().filter_map(Head::of).collect();
    let names: Vec<String> = heads.iter().map(|head| naming.public(&head.name).to_string()).collect();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let mut text = String::new();
    for (name, head) in names.iter().zip(&heads) {
        let _ = writeln!(text, "{}", format!("  {name:width$}  {}", head.summary()).trim_end());
    }
    text
}

/// `heading:` and a line for each of `lines`; nothing where there are none.
#[must_use]
pub(super) fn section(heading: &str, lines: &[String]) -> String {
    let mut text = String::new();
    if !lines.is_empty() {
        let _ = writeln!(text, "{heading}:");
    }
    for line in lines {
        let _ = writeln!(text, "  {}", plain(line));
    }
    text
}

#[cfg(test)]
mod tests {
    use gateway_core::name::SourceName;

    use super::*;

    #[test]
    fn sizes_are_readable() {
        assert_eq!(size(12), "12 bytes");
        assert_eq!(size(123_456), "123456 bytes (120.6 KiB)");
        assert_eq!(size(3 << 20), "3145728 bytes (3.0 MiB)");
    }

    #[test]
    fn a_sentence_says_what_a_tool_is_for() {
        let summary = |description: &str| Head { name: String::new(), description: Some(description.into()) }.summary();
        assert_eq!(
            summary("Get a page, or\nany text.  Long ones\ncome in pieces.\n\nOnly some."),
            "Get a page, or any text.  Long ones come in pieces."
        );
        assert_eq!(summary("Get a page. Use it often."), "Get a page.");
        assert_eq!(summary("Get one, e.g. a page"), "Get one, e.g. a page");
        assert_eq!(summary(""), "");
    }

    #[test]
    fn plugins_cannot_hide_lines() {
        let tool = Json::parse(r#"{"name":"a","description":"harmless\u001b[2J\r\nnot"}"#).unwrap();
        let naming = Naming::canonical(&SourceName::new("x").unwrap());
        assert_eq!(tool_lines(&[tool], &naming), "  x__a  harmless [2J not\n");
        assert_eq!(section("asks to", &["reach \u{1b}[8m*".to_owned()]), "asks to:\n  reach  [8m*\n");
        assert_eq!(section("asks to", &[]), "");
    }
}
