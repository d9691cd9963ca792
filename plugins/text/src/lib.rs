//! What a model gets wrong when it does it in its head: hashes, regular expressions and differences.

mod diff;
mod hash;
mod matches;

use gateway_sdk::{Json, tool};

use crate::diff::Difference;
use crate::hash::{Algorithm, Digest};
use crate::matches::{Found, Pattern, Replaced};

/// The hash of a text (of its UTF-8 bytes), in hexadecimal.
#[tool(read_only, idempotent, open_world = false)]
fn hash(
    /// the text
    text: String,
    /// which hash
    #[default(Algorithm::Sha256)]
    algorithm: Algorithm,
) -> (String, Json<Digest>) {
    let digest = Digest::of(&text, algorithm);
    (digest.hex.clone(), Json(digest))
}

/// Search a text with a regular expression, and list the matches with their lines, columns and groups.
///
/// The syntax is that of Rust's regex crate, much like Perl's without look-around and back-references. It begins with
/// `(?m)` where `^` and `$` mean lines, with `(?s)` where `.` means line ends too.
#[tool(read_only, idempotent, open_world = false)]
fn search(
    /// the text to search
    text: String,
    /// the regular expression
    pattern: String,
    /// do not tell A from a
    #[default]
    ignore_case: bool,
    /// how many matches to list at most; all are counted
    #[default(100)]
    #[schema(minimum = 1, maximum = 10000)]
    limit: usize,
) -> Result<(String, Json<Found>), String> {
    let found = Pattern { pattern: &pattern, ignore_case, literal: false }.search(&text, limit)?;
    Ok((found.to_string(), Json(found)))
}

/// Replace what matches a regular expression in a text.
#[tool(read_only, idempotent, open_world = false)]
fn replace(
    /// the text to change
    text: String,
    /// the regular expression, or a plain text with `literal`
    pattern: String,
    /// what to put there: `$1` or `${name}` is a group, `$$` a dollar; with `literal` it is put there as it is
    replacement: String,
    /// do not tell A from a
    #[default]
    ignore_case: bool,
    /// take pattern and replacement as plain texts
    #[default]
    literal: bool,
    /// how many matches to replace at most; 0 means all
    #[default(0)]
    limit: usize,
) -> Result<(String, Json<Replaced>), String> {
    let replaced = Pattern { pattern: &pattern, ignore_case, literal }.replace(&text, &replacement, limit)?;
    Ok((replaced.text.clone(), Json(replaced)))
}

/// The difference of two texts, line by line, as a unified diff that `patch` understands.
#[tool(read_only, idempotent, open_world = false)]
fn diff(
    /// the text before
    old: String,
    /// the text after
    new: String,
    /// how many unchanged lines to show around a change
    #[default(3)]
    #[schema(maximum = 100)]
    context: usize,
    /// what the text before is called in the head of the diff
    #[default("old")]
    old_name: String,
    /// what the text after is called in the head of the diff
    #[default("new")]
    new_name: String,
) -> (String, Json<Difference>) {
    let difference = Difference::of(&old, &new, context, &old_name, &new_name);
    let text = if difference.equal { "no difference".to_owned() } else { difference.unified.clone() };
    (text, Json(difference))
}

gateway_sdk::export!(hash, search, replace, diff);
