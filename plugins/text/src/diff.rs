//! Differences.

use schemars::JsonSchema;
use serde::Serialize;
use similar::{Algorithm, ChangeTag, TextDiff};

/// The difference of two texts.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Difference {
    /// Whether there is none.
    pub(crate) equal: bool,
    /// How many lines are new.
    pub(crate) added: usize,
    /// How many lines are gone.
    pub(crate) removed: usize,
    /// The unified diff; empty where the texts are equal.
    pub(crate) unified: String,
}

impl Difference {
    pub(crate) fn of(old: &str, new: &str, context: usize, old_name: &str, new_name: &str) -> Self {
        let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_lines(old, new);
        let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
        let unified = diff.unified_diff().context_radius(context).header(old_name, new_name).to_string();
        Self { equal: old == new, added: count(ChangeTag::Insert), removed: count(ChangeTag::Delete), unified }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_what_is_around() {
        let difference = Difference::of("a\nb\nc\nd\n", "a\nb\nC\nd\n", 1, "old", "new");
        assert_eq!(difference.unified, "--- old\n+++ new\n@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n");
        assert_eq!((difference.equal, difference.added, difference.removed), (false, 1, 1));
    }

    #[test]
    fn equal_texts_have_no_diff() {
        let difference = Difference::of("a\n", "a\n", 3, "old", "new");
        assert_eq!(difference, Difference { equal: true, added: 0, removed: 0, unified: String::new() });
    }

    #[test]
    fn a_missing_line_end_is_a_difference() {
        let difference = Difference::of("a", "a\n", 3, "old", "new");
        assert!(!difference.equal);
        assert!(difference.unified.contains("\\ No newline at end of file"));
    }
}
