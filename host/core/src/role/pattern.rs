//! Globs over names.

use std::fmt;

use globset::{Glob, GlobMatcher};
use regex_automata::{Anchored, Input, hybrid::dfa::DFA, nfa::thompson, util::syntax};

/// A glob as it stands in `gateway.yaml`. `*` stands for any characters, `?` for one, `[ab]` and `{a,b}` for a choice;
/// case counts.
#[derive(Clone)]
pub struct Pattern {
    text: Box<str>,
    matcher: GlobMatcher,
}

/// A glob that cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the glob {glob:?} cannot be read: {cause}")]
pub struct PatternError {
    /// The glob.
    pub glob: String,
    /// What is wrong with it.
    pub cause: String,
}

impl Pattern {
    /// Reads a glob.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let error = |cause: String| PatternError { glob: text.to_owned(), cause };
        if text.is_empty() {
            return Err(error("it is empty and would match nothing".to_owned()));
        }
        let glob = Glob::new(text).map_err(|cause| error(cause.kind().to_string()))?;
        Ok(Self { text: text.into(), matcher: glob.compile_matcher() })
    }

    /// The glob as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches `name` as a whole.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.matcher.is_match(name)
    }

    /// Whether it matches some name that begins with `start`.
    #[must_use]
    pub fn could_match(&self, start: &str) -> bool {
        // Built when asked for: once for each placeholder that a role might see. The automaton works in a cache of
        // bounded size; if ever that gave up, a placeholder too many would be shown, never a tool.
        self.walk(start).unwrap_or(true)
    }

    /// Feeds `start` to the glob's automaton, which is dead exactly where no continuation can match any more.
    fn walk(&self, start: &str) -> Option<bool> {
        let dfa = DFA::builder()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(thompson::Config::new().utf8(false))
            .build(self.matcher.glob().regex())
            .ok()?;
        let mut cache = dfa.create_cache();
        let input = Input::new(start).anchored(Anchored::Yes);
        let mut state = dfa.start_state_forward(&mut cache, &input).ok()?;
        for byte in start.bytes() {
            state = dfa.next_state(&mut cache, state, byte).ok()?;
            if state.is_dead() {
                return Some(false);
            }
        }
        Some(true)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}
