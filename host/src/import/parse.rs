//! Text as values.

use std::path::Path;

use jsonc_parser::ParseOptions;
use serde_json::Value;

use super::ImportError;

/// Reads JSON (with comments), TOML where the file is called so, and else YAML.
///
/// # Errors
/// [`ImportError::Syntax`], with the line.
pub fn parse(text: &str, file: &Path) -> Result<Value, ImportError> {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let parsed = match extension {
        "toml" => toml(text),
        "yaml" | "yml" => yaml(text),
        "json" | "jsonc" => json(text),
        _ if text.trim_start().starts_with(['{', '[', '/']) => json(text),
        _ => yaml(text),
    };
    parsed.map_err(|cause| ImportError::Syntax { file: file.to_owned(), cause })
}

/// JSON as the settings of editors have it: with comments and commas at the end, and nothing else that is no JSON.
#[must_use]
pub fn options() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn json(text: &str) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    jsonc_parser::parse_to_serde_value(text, &options())
        .map_err(|error| format!("no JSON: {}", lower(&error.to_string())))
}

fn yaml(text: &str) -> Result<Value, String> {
    let error = |error: serde_yaml::Error| format!("no YAML: {error}");
    let mut value: serde_yaml::Value = serde_yaml::from_str(text).map_err(error)?;
    value.apply_merge().map_err(error)?;
    serde_json::to_value(value).map_err(|cause| format!("a key is no text: {cause}"))
}

fn toml(text: &str) -> Result<Value, String> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        format!("no TOML: {} on line {line}", error.message().lines().next().unwrap_or_default())
    })
}

/// With a small letter at the beginning, as what stands behind a colon.
fn lower(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
