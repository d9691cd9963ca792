//! A pipeline made ready to run: its templates are read, and its references hold.

use std::{num::NonZeroUsize, time::Duration};

use gateway_core::{call::MAX_NESTED_CALLS, payload::Json};
use serde_json::Value;

use super::{
    condition::Condition,
    config::{CONCURRENCY, OnError, PipelineConfig, Step},
    flaw::{At, Flaw},
    template::{Malformed, Reference, Root, Template},
};
use crate::arguments::nearest;

/// A pipeline made ready to run.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) steps: Vec<Planned>,
}

/// A step made ready.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) at: Vec<At>,
    pub(super) condition: Option<Condition>,
    pub(super) timeout: Option<Duration>,
    pub(super) on_error: OnError,
    pub(super) work: Work,
}

#[derive(Debug, Clone)]
pub(super) enum Work {
    Tool(Box<ToolStep>),
    Parallel(Vec<Planned>),
}

/// A step that calls a tool.
#[derive(Debug, Clone)]
pub(super) struct ToolStep {
    pub(super) id: String,
    pub(super) tool: String,
    pub(super) arguments: Template,
    pub(super) each: Option<Each>,
}

/// A loop.
#[derive(Debug, Clone)]
pub(super) struct Each {
    pub(super) list: Template,
    pub(super) concurrency: NonZeroUsize,
}

impl Plan {
    /// Makes a pipeline ready, and says all that is wrong with it. Where a flaw is fatal, it is not to be run.
    #[must_use]
    pub fn of(config: &PipelineConfig) -> (Self, Vec<Flaw>) {
        let mut planner = Planner::new(config);
        if config.steps.is_empty() {
            let hint = "write below it `- { id: first, tool: SERVER__TOOL }`";
            planner.flaw(&["steps".into()], "there are no steps", hint);
        }
        let steps = planner.steps(&config.steps, &["steps".into()], false);
        if planner.count > MAX_NESTED_CALLS as usize {
            let message =
                format!("there are {} steps, and one call may cause {MAX_NESTED_CALLS} others", planner.count);
            planner.flaw(&["steps".into()], &message, "make several pipelines of it");
        }
        (Self { steps }, planner.flaws)
    }

    /// The steps that call tools, in order.
    pub(super) fn tools(&self) -> Vec<(&Planned, &ToolStep)> {
        self.steps.iter().flat_map(Planned::tools).collect()
    }

    /// The id and the tool of each step, in order.
    pub fn calls(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tools().into_iter().map(|(_, step)| (step.id.as_str(), step.tool.as_str()))
    }
}

impl Planned {
    /// The steps in it that call tools.
    pub(super) fn tools(&self) -> Vec<(&Self, &ToolStep)> {
        match &self.work {
            Work::Tool(step) => vec![(self, step)],
            Work::Parallel(steps) => steps.iter().flat_map(Self::tools).collect(),
        }
    }
}

/// What is known while a pipeline is read.
struct Planner {
    /// Every id, with the group that it names if it does.
    ids: Vec<(String, bool)>,
    /// Those that are taken by what was read so far.
    taken: Vec<String>,
    /// Those whose results are there.
    done: Vec<String>,
    /// The names that `input` declares, where it declares any and no others.
    inputs: Option<Vec<String>>,
    count: usize,
    flaws: Vec<Flaw>,
}

impl Planner {
    fn new(config: &PipelineConfig) -> Self {
        let mut ids = Vec::new();
        collect(&config.steps, &mut ids);
        let inputs = config.input.as_ref().and_then(declared);
        Self { ids, taken: Vec::new(), done: Vec::new(), inputs, count: 0, flaws: Vec::new() }
    }

    fn flaw(&mut self, at: &[At], message: &str, hint: &str) {
        let (message, hint) = (message.to_owned(), hint.to_owned());
        self.flaws.push(Flaw { at: at.to_vec(), message, hint, fatal: true });
    }

    /// Steps of which, unless they run `together`, each knows the results of those before it.
    fn steps(&mut self, steps: &[Step], at: &[At], together: bool) -> Vec<Planned> {
        let mut later = Vec::new();
        let mut planned = Vec::with_capacity(steps.len());
        for (index, step) in steps.iter().enumerate() {
            let at = with(at, index);
            let before = self.done.len();
            planned.push(self.step(step, &at));
            if together {
                later.extend(self.done.drain(before..));
            }
        }
        self.done.extend(later);
        planned
    }

    fn step(&mut self, step: &Step, at: &[At]) -> Planned {
        self.own_id(step, at);
        let condition = step.condition.as_ref().and_then(|condition| {
            let at = with(at, "if");
            let condition = self.read(&at, Condition::read(condition))?;
            condition.references().into_iter().for_each(|reference| self.reference(reference, false, &at));
            Some(condition)
        });
        if step.timeout.is_some_and(gateway_core::units::Seconds::is_zero) {
            self.flaw(
                &with(at, "timeout"),
                "0 seconds would let no step finish",
                "write `timeout: 30s`, or leave it out",
            );
        }
        let work = match (&step.tool, &step.parallel) {
            (None, Some(steps)) => self.group(step, steps, at),
            (tool, parallel) => {
                match (tool, parallel) {
                    (Some(_), Some(_)) => {
                        let hint = "make the tool a step of its own, before it or in it";
                        self.flaw(&with(at, "parallel"), "a step has a `tool` or is `parallel`, not both", hint);
                    }
                    (None, _) => {
                        let hint = "write `tool: SERVER__TOOL`, or `parallel:` and below it the steps";
                        self.flaw(at, "the step has no `tool`", hint);
                    }
                    _ => {}
                }
                Work::Tool(Box::new(self.tool(step, at)))
            }
        };
        let timeout = step.timeout.map(gateway_core::units::Seconds::duration);
        Planned { at: at.to_vec(), condition, timeout, on_error: step.on_error.unwrap_or_default(), work }
    }

    fn group(&mut self, step: &Step, steps: &[Step], at: &[At]) -> Work {
        if steps.is_empty() {
            self.flaw(
                &with(at, "parallel"),
                "there are no steps in it",
                "write below it `- { id: first, tool: SERVER__TOOL }`",
            );
        }
        let written = [("arguments", step.arguments.is_some()), ("for_each", step.for_each.is_some())];
        for (key, _) in written.into_iter().filter(|(_, written)| *written) {
            let message = format!("`{key}` belongs to a step with a tool, and this one is `parallel`");
            self.flaw(&with(at, key), &message, "write it in each of the steps that need it");
        }
        Work::Parallel(self.steps(steps, &with(at, "parallel"), true))
    }

    fn tool(&mut self, step: &Step, at: &[At]) -> ToolStep {
        self.count += 1;
        let id = step.id.clone().unwrap_or_else(|| format!("step-{}", self.count));
        let tool = step.tool.clone().unwrap_or_default();
        if step.tool.as_ref().is_some_and(|tool| tool.trim().is_empty() || tool.contains("${")) {
            let hint = "name one tool, as `gateway list` shows it; `if` chooses between several steps";
            self.flaw(&with(at, "tool"), "a tool is named by a text without references", hint);
        }
        let each = step.for_each.as_ref().map(|list| {
            let at = with(at, "for_each");
            let template = self.template(list, false, &at);
            let is_list = match &template {
                Template::Constant(json) => json.as_bytes().first() == Some(&b'['),
                template => matches!(template, Template::List(_) | Template::Reference(_)),
            };
            if !is_list {
                self.flaw(
                    &at,
                    "this is no list",
                    "write a list, or a reference to one: `for_each: \"${input.names}\"`",
                );
            }
            Each { list: template, concurrency: step.concurrency.unwrap_or(CONCURRENCY) }
        });
        if step.concurrency.is_some() && each.is_none() {
            self.flaw(
                &with(at, "concurrency"),
                "only a loop has a `concurrency`",
                "write `for_each: […]`, or leave it out",
            );
        }
        let arguments = match &step.arguments {
            None => Template::Constant(Json::empty_object()),
            Some(arguments) => {
                let at = with(at, "arguments");
                let template = self.template(arguments, each.is_some(), &at);
                let is_object = match &template {
                    Template::Constant(json) => json.is_object(),
                    template => matches!(template, Template::Object(_) | Template::Reference(_)),
                };
                if !is_object {
                    self.flaw(&at, "arguments have names", "write them like `arguments: { name: value }`");
                }
                template
            }
        };
        self.done.push(id.clone());
        ToolStep { id, tool, arguments, each }
    }

    fn own_id(&mut self, step: &Step, at: &[At]) {
        let Some(id) = &step.id else { return };
        let at = with(at, "id");
        let is_legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if id.is_empty() || !id.chars().all(is_legal) {
            self.flaw(&at, &format!("`{id}` cannot be referred to"), "use letters, digits, `-` and `_`");
        }
        if self.taken.contains(id) {
            self.flaw(&at, &format!("the id `{id}` is there twice"), "give one of the two steps another id");
        }
        self.taken.push(id.clone());
    }

    fn template(&mut self, value: &Value, in_loop: bool, at: &[At]) -> Template {
        let mut wrong = Vec::new();
        let note = &mut |inside: &[At], malformed| wrong.push((inside.to_vec(), malformed));
        let template = Template::read(value, &mut Vec::new(), note);
        for (inside, malformed) in wrong {
            let at: Vec<At> = at.iter().cloned().chain(inside).collect();
            self.flaw(&at, &malformed.message, &malformed.hint);
        }
        self.references(&template, in_loop, at);
        template
    }

    /// Holds each reference against what is there, at its place.
    fn references(&mut self, template: &Template, in_loop: bool, at: &[At]) {
        match template {
            Template::List(items) => {
                items.iter().enumerate().for_each(|(index, item)| self.references(item, in_loop, &with(at, index)));
            }
            Template::Object(members) => {
                members.iter().for_each(|(name, member)| self.references(member, in_loop, &with(at, name.as_str())));
            }
            template => {
                template.references().into_iter().for_each(|reference| self.reference(reference, in_loop, at));
            }
        }
    }

    fn reference(&mut self, reference: &Reference, in_loop: bool, at: &[At]) {
        let written = &reference.written;
        match &reference.root {
            Root::Input => {
                let Some((inputs, name)) = self.inputs.as_ref().zip(reference.path.first()) else { return };
                if !inputs.contains(name) {
                    let known = inputs.iter().map(String::as_str);
                    let hint = match nearest(name, known) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("add `{name}` to the `properties` of `input`"),
                    };
                    let message = format!("`${{{written}}}`: the input declares no `{name}`");
                    self.flaws.push(Flaw { at: at.to_vec(), message, hint, fatal: false });
                }
            }
            Root::Item | Root::Index if !in_loop => {
                let message = format!("`${{{written}}}` means something in the arguments of a loop alone");
                self.flaw(at, &message, "write `for_each: […]` beside the arguments");
            }
            Root::Item | Root::Index => {}
            Root::Step(id, _) if self.done.contains(id) => {}
            Root::Step(id, _) => {
                let (why, hint) = self.not_there(id);
                self.flaw(at, &format!("`${{{written}}}`: {why}"), &hint);
            }
        }
    }

    /// Why a step's result is not there, and what to do about it.
    fn not_there(&self, id: &str) -> (String, String) {
        let done = || self.done.iter().map(String::as_str);
        match self.ids.iter().find(|(known, _)| known == id) {
            Some((_, true)) => (
                format!("`{id}` is a group, and has no result of its own"),
                "refer to one of the steps in it".to_owned(),
            ),
            Some(_) => (
                format!("the step `{id}` has not run by then"),
                format!("move `{id}` before this step, and out of a group that both are in"),
            ),
            None => {
                let hint = match nearest(id, done()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if self.done.is_empty() => "no step runs before this one".to_owned(),
                    None => format!("the steps before it: {}", done().collect::<Vec<_>>().join(", ")),
                };
                (format!("there is no step `{id}`"), hint)
            }
        }
    }

    fn read<T>(&mut self, at: &[At], read: Result<T, Malformed>) -> Option<T> {
        read.map_err(|malformed| self.flaw(at, &malformed.message, &malformed.hint)).ok()
    }
}

fn with(at: &[At], last: impl Into<At>) -> Vec<At> {
    at.iter().cloned().chain([last.into()]).collect()
}

fn collect(steps: &[Step], ids: &mut Vec<(String, bool)>) {
    for step in steps {
        ids.extend(step.id.clone().map(|id| (id, step.tool.is_none() && step.parallel.is_some())));
        collect(step.parallel.as_deref().unwrap_or_default(), ids);
    }
}

/// The names that a schema declares; `None` where it lets others through on purpose, or declares none.
fn declared(schema: &Value) -> Option<Vec<String>> {
    let open = schema.get("additionalProperties").is_some_and(|additional| *additional != Value::Bool(false));
    let composed =
        ["patternProperties", "allOf", "anyOf", "oneOf", "$ref", "if"].iter().any(|key| schema.get(*key).is_some());
    let properties = schema.get("properties")?.as_object()?;
    (!open && !composed).then(|| properties.keys().cloned().collect())
}

#[cfg(test)]
mod tests;
