//! What `export!` makes: the list of all that a plugin has.

use crate::completions::{Completes, CompletionEntry};
use crate::filter::{Decision, ToolCall, ToolResultJson, Verdict};
use crate::prompts::PromptEntry;
use crate::resources::ResourceEntry;
use crate::tools::Entry;

/// What `export!` names, each in the order in which it is listed.
pub trait Plugin {
    /// The tools.
    const TOOLS: &'static [Entry] = &[];
    /// The resources and the templates.
    const RESOURCES: &'static [ResourceEntry] = &[];
    /// The prompts.
    const PROMPTS: &'static [PromptEntry] = &[];
    /// What completes the arguments of prompts and templates.
    const COMPLETIONS: &'static [CompletionEntry] = &[];
    /// Sees the calls of other tools.
    const BEFORE: Option<fn(&ToolCall) -> Decision> = None;
    /// Sees what they gave.
    const AFTER: Option<fn(&ToolCall, ToolResultJson) -> Verdict> = None;
}

/// Refuses to compile what could never be reached: the second of two tools, resources or prompts of one name, and the
/// completion of an argument that nothing has.
#[track_caller]
pub const fn assert_reachable<P: Plugin>() {
    let mut first = 0;
    while first < P::TOOLS.len() {
        let mut second = first + 1;
        while second < P::TOOLS.len() {
            assert!(differ(P::TOOLS[first].name, P::TOOLS[second].name), "two tools in `export!` have the same name");
            second += 1;
        }
        first += 1;
    }
    let mut first = 0;
    while first < P::PROMPTS.len() {
        let mut second = first + 1;
        while second < P::PROMPTS.len() {
            let differ = differ(P::PROMPTS[first].name, P::PROMPTS[second].name);
            assert!(differ, "two prompts in `export!` have the same name");
            second += 1;
        }
        first += 1;
    }
    let mut first = 0;
    while first < P::RESOURCES.len() {
        let mut second = first + 1;
        while second < P::RESOURCES.len() {
            let differ = differ(P::RESOURCES[first].uri, P::RESOURCES[second].uri);
            assert!(differ, "two resources in `export!` have the same address");
            second += 1;
        }
        first += 1;
    }
    let mut completion = 0;
    while completion < P::COMPLETIONS.len() {
        assert!(
            has_argument::<P>(&P::COMPLETIONS[completion]),
            "a completion in `export!` is for an argument that no prompt and no template in it has"
        );
        completion += 1;
    }
}

/// Whether a prompt or a template has the argument. Those without a name did not compile, which was told already.
const fn has_argument<P: Plugin>(completion: &CompletionEntry) -> bool {
    let mut index = 0;
    match completion.of {
        Completes::Nothing => return true,
        Completes::Prompt(name) => {
            while index < P::PROMPTS.len() {
                let prompt = &P::PROMPTS[index];
                if prompt.name.is_empty() || same(prompt.name, name) && prompt.takes(completion.argument) {
                    return true;
                }
                index += 1;
            }
        }
        Completes::Template(uri) => {
            while index < P::RESOURCES.len() {
                let resource = &P::RESOURCES[index];
                if resource.uri.is_empty() || same(resource.uri, uri) && resource.has_variable(completion.argument) {
                    return true;
                }
                index += 1;
            }
        }
    }
    false
}

/// Whether two names do, where both have one: what has none did not compile, which was told already.
const fn differ(a: &str, b: &str) -> bool {
    a.is_empty() || !same(a, b)
}

/// `==` for texts, which is no `const` function.
pub(crate) const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut index = 0;
    while index < a.len() && index < b.len() && a[index] == b[index] {
        index += 1;
    }
    index == a.len() && index == b.len()
}

/// Uses all that the plugin lists, where no component does.
pub const fn touch<P: Plugin>() {
    let _ = (P::TOOLS, P::RESOURCES, P::PROMPTS, P::COMPLETIONS, P::BEFORE, P::AFTER);
}
