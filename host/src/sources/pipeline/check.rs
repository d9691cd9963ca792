//! A pipeline held against the tools that it names, without running it: as far as what is constant tells.

use std::collections::{BTreeSet, HashMap};

use gateway_core::payload::Json;
use serde_json::{Map, Value};

use super::{
    config::PipelineConfig,
    flaw::{At, Flaw},
    plan::{Plan, ToolStep},
    schema::{names, validator},
    template::{Field, Reference, Root, Template},
};
use crate::arguments::nearest;

/// What is known of a tool.
#[derive(Debug, Clone, Default)]
pub struct Tool {
    /// Its `inputSchema`.
    pub input: Value,
    /// Its `outputSchema`.
    pub output: Option<Value>,
}

/// Everything that would go wrong with `plan`, which was made of `config`. `tools`: all that may be called.
#[must_use]
pub fn check(config: &PipelineConfig, plan: &Plan, tools: &HashMap<String, Tool>) -> Vec<Flaw> {
    let steps = plan.tools().into_iter().map(|(_, step)| (step.id.as_str(), step)).collect();
    let mut check = Check { config, tools, steps, flaws: Vec::new() };
    for (planned, step) in plan.tools() {
        let at = |key: &str| with(&planned.at, key);
        if let Some(condition) = &planned.condition {
            condition.references().into_iter().for_each(|reference| check.reference(reference, None, &at("if")));
        }
        if let Some(each) = &step.each {
            check.references(&each.list, None, &at("for_each"));
        }
        check.references(&step.arguments, Some(step), &at("arguments"));
        match tools.get(&step.tool) {
            Some(tool) => check.arguments(step, tool, &planned.at),
            None => {
                let hint = match nearest(&step.tool, tools.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`gateway list` shows the tools of a role".to_owned(),
                };
                check.flaw(&at("tool"), format!("there is no tool `{}`", step.tool), hint);
            }
        }
    }
    check.flaws
}

struct Check<'a> {
    config: &'a PipelineConfig,
    tools: &'a HashMap<String, Tool>,
    steps: HashMap<&'a str, &'a ToolStep>,
    flaws: Vec<Flaw>,
}

/// A schema within another, whose definitions it may refer to.
#[derive(Clone, Copy)]
struct Within<'s> {
    root: &'s Value,
    schema: &'s Value,
}

impl<'a> Check<'a> {
    fn flaw(&mut self, at: &[At], message: impl Into<String>, hint: impl Into<String>) {
        let flaw = Flaw { at: at.to_vec(), message: message.into(), hint: hint.into(), fatal: true };
        if !self.flaws.contains(&flaw) {
            self.flaws.push(flaw);
        }
    }

    // === what is referred to ===

    fn references(&mut self, template: &Template, step: Option<&ToolStep>, at: &[At]) {
        match template {
            Template::List(items) => {
                items.iter().enumerate().for_each(|(index, item)| self.references(item, step, &with(at, index)));
            }
            Template::Object(members) => {
                members.iter().for_each(|(name, member)| self.references(member, step, &with(at, name.as_str())));
            }
            template => {
                template.references().into_iter().for_each(|reference| self.reference(reference, step, at));
            }
        }
    }

    fn reference(&mut self, reference: &Reference, step: Option<&ToolStep>, at: &[At]) {
        if let Err((message, hint)) = self.schema_of(reference, step) {
            self.flaw(at, format!("`${{{}}}`: {message}", reference.written), hint);
        }
    }

    /// The schema of what is referred to, as far as there is one.
    ///
    /// # Errors
    /// Where there is never such a value, with what to do about it.
    fn schema_of(&self, reference: &Reference, step: Option<&ToolStep>) -> Result<Option<Value>, (String, String)> {
        let plain = |kind: &str| Some(serde_json::json!({ "type": kind }));
        let root = match &reference.root {
            Root::Input => self.config.input.clone(),
            Root::Index => plain("integer"),
            Root::Item => step.and_then(|step| self.item_of(step)),
            Root::Step(_, Field::Text | Field::Status) => plain("string"),
            Root::Step(_, Field::Result) => None,
            Root::Step(id, Field::Structured) => {
                let step = self.steps.get(id.as_str());
                let output = step.and_then(|step| self.tools.get(&step.tool)?.output.clone());
                let is_loop = step.is_some_and(|step| step.each.is_some());
                match is_loop {
                    true => Some(serde_json::json!({ "type": "array", "items": output.unwrap_or_default() })),
                    false => output,
                }
            }
        };
        let Some(root) = root else { return Ok(None) };
        // What the input declares has been looked at when the file was read.
        let is_input = reference.root == Root::Input;
        let mut at = Within { root: &root, schema: &root }.resolved();
        for key in &reference.path {
            match at.member(key) {
                Ok(Some(inside)) => at = inside.resolved(),
                Ok(None) => return Ok(None),
                Err(_) if is_input || reference.default.is_some() => return Ok(None),
                Err(known) => {
                    let message = match known.is_empty() {
                        true => format!("there is nothing in it that could be called `{key}`"),
                        false => format!("there is no `{key}` in it, by the tool's output schema"),
                    };
                    let hint = match nearest(key, known.iter().map(String::as_str)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None if known.is_empty() => "leave the path out".to_owned(),
                        None => format!("there is {}", known.join(", ")),
                    };
                    return Err((message, hint));
                }
            }
        }
        Ok(Some(at.alone()))
    }

    /// The schema of a loop's items.
    fn item_of(&self, step: &ToolStep) -> Option<Value> {
        let Template::Reference(list) = &step.each.as_ref()?.list else { return None };
        self.schema_of(list, None).ok()??.get("items").cloned()
    }

    // === what is given ===

    fn arguments(&mut self, step: &ToolStep, tool: &Tool, at: &[At]) {
        let schema = Within { root: &tool.input, schema: &tool.input };
        let at = if step.arguments == Template::Constant(Json::empty_object()) {
            at.to_vec()
        } else {
            with(at, "arguments")
        };
        self.value(schema, &step.arguments, step, &at);
    }

    fn value(&mut self, schema: Within<'_>, given: &Template, step: &ToolStep, at: &[At]) {
        let schema = schema.resolved();
        match given {
            Template::Constant(json) => match json.to::<Map<String, Value>>() {
                Ok(members) => {
                    let members: Vec<(String, Template)> = members
                        .into_iter()
                        .map(|(name, member)| (name, Template::Constant(Json::from_value(&member))))
                        .collect();
                    self.kind(schema, &["object"], "keys with values", at);
                    self.object(schema, &members, step, at);
                }
                Err(_) => self.constant(schema, json, at),
            },
            Template::Text(_) => self.kind(schema, &["string"], "a text", at),
            Template::Reference(reference) => {
                let known = self.schema_of(reference, Some(step)).ok().flatten();
                let kinds: Vec<String> = known.as_ref().and_then(kinds).into_iter().flatten().collect();
                let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
                let what = format!("`${{{}}}`, of type {}", reference.written, kinds.join(" or "));
                if !kinds.is_empty() && reference.default.is_none() {
                    self.kind(schema, &kinds, &what, at);
                }
            }
            Template::List(items) => {
                self.kind(schema, &["array"], "a list", at);
                if let Some(of_items) = schema.schema.get("items") {
                    let of_items = Within { schema: of_items, ..schema };
                    items
                        .iter()
                        .enumerate()
                        .for_each(|(index, item)| self.value(of_items, item, step, &with(at, index)));
                }
            }
            Template::Object(members) => {
                self.kind(schema, &["object"], "keys with values", at);
                self.object(schema, members, step, at);
            }
        }
    }

    fn object(&mut self, schema: Within<'_>, members: &[(String, Template)], step: &ToolStep, at: &[At]) {
        let properties = schema.schema.get("properties");
        let known = names(properties);
        let required: Vec<&str> = schema
            .schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let given = |name: &str| members.iter().any(|(given, _)| given == name);
        let strange = || members.iter().map(|(name, _)| name.as_str()).filter(|name| !known.contains(name));
        let closed = schema.schema.get("additionalProperties") == Some(&Value::Bool(false));
        let missing: Vec<&str> = required.into_iter().filter(|name| !given(name)).collect();
        for name in &missing {
            // Said where the misspelt one stands.
            if nearest(name, strange()).is_none() {
                let hint = format!("write `{name}: …` in the arguments of `{}`", step.id);
                self.flaw(at, format!("the tool `{}` needs the argument `{name}`", step.tool), hint);
            }
        }
        for name in strange() {
            let meant = nearest(name, missing.iter().copied())
                .or_else(|| nearest(name, known.iter().copied()).filter(|_| closed));
            let hint = match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if closed && known.is_empty() => "it takes none: leave it out".to_owned(),
                None if closed => format!("its arguments: {}", known.join(", ")),
                None => continue,
            };
            self.flaw(&with(at, name), format!("the tool `{}` has no argument `{name}`", step.tool), hint);
        }
        for (name, member) in members {
            if let Some(property) = properties.and_then(|properties| properties.get(name)) {
                self.value(Within { schema: property, ..schema }, member, step, &with(at, name.as_str()));
            }
        }
    }

    fn constant(&mut self, schema: Within<'_>, json: &Json, at: &[At]) {
        let alone = schema.alone();
        let (Ok(validator), Ok(value)) = (validator(&alone), json.to::<Value>()) else { return };
        if let Some(error) = validator.iter_errors(&value).next() {
            let wanted = kinds(&alone).map(|kinds| kinds.into_iter().collect::<Vec<_>>().join(" or "));
            let hint = match wanted {
                Some(wanted) => format!("the tool takes {wanted} here"),
                None => format!("the tool's schema says: {}", schema.schema),
            };
            self.flaw(at, error.to_string(), hint);
        }
    }

    /// Whether something of one of these types may stand there.
    fn kind(&mut self, schema: Within<'_>, given: &[&str], what: &str, at: &[At]) {
        let Some(wanted) = kinds(schema.schema) else { return };
        let fits = |given: &&str| wanted.contains(*given) || (*given == "integer" && wanted.contains("number"));
        // A number may be a whole one.
        let could = |given: &&str| *given == "number" && wanted.contains("integer");
        if !given.iter().any(|kind| fits(kind) || could(kind)) {
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            self.flaw(at, format!("this is {what}"), format!("the tool takes {} here", wanted.join(" or ")));
        }
    }
}

impl<'s> Within<'s> {
    /// What a reference within the same document leads to.
    fn resolved(self) -> Self {
        let mut at = self;
        // One that leads in a circle leads nowhere.
        for _ in 0..16 {
            let Some(pointer) = at.schema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#'))
            else {
                return at;
            };
            match at.root.pointer(pointer) {
                Some(schema) => at.schema = schema,
                None => return at,
            }
        }
        at
    }

    /// What is at `key`. `None`: that cannot be told.
    ///
    /// # Errors
    /// Where there is never anything: the names that there are.
    fn member(self, key: &str) -> Result<Option<Self>, Vec<String>> {
        let schema = self.schema;
        let inside = |schema: &'s Value| Some(Self { schema, ..self });
        if ["$ref", "allOf", "anyOf", "oneOf", "if", "patternProperties"].iter().any(|key| schema.get(*key).is_some()) {
            return Ok(None);
        }
        if let Some(property) = schema.get("properties").and_then(|properties| properties.get(key)) {
            return Ok(inside(property));
        }
        let kinds = kinds(schema).unwrap_or_default();
        if kinds.contains("array") {
            let is_index = key.chars().all(|c| c.is_ascii_digit());
            return if is_index { Ok(schema.get("items").and_then(inside)) } else { Err(Vec::new()) };
        }
        if !kinds.is_empty() && !kinds.contains("object") {
            return Err(Vec::new());
        }
        let known: Vec<String> = names(schema.get("properties")).into_iter().map(str::to_owned).collect();
        match schema.get("additionalProperties") {
            None if known.is_empty() => Ok(None),
            None | Some(Value::Bool(false)) => Err(known),
            Some(Value::Bool(true)) => Ok(None),
            Some(others) => Ok(inside(others)),
        }
    }

    /// The schema with the definitions that it may refer to.
    fn alone(self) -> Value {
        let mut alone = self.schema.clone();
        if let (Some(members), Some(root)) = (alone.as_object_mut(), self.root.as_object()) {
            for key in ["$defs", "definitions"] {
                if let (Some(definitions), false) = (root.get(key), members.contains_key(key)) {
                    members.insert(key.to_owned(), definitions.clone());
                }
            }
        }
        alone
    }
}

/// The types that a schema lets through, where it says so.
fn kinds(schema: &Value) -> Option<BTreeSet<String>> {
    match schema.get("type")? {
        Value::String(kind) => Some(BTreeSet::from([kind.clone()])),
        Value::Array(kinds) => Some(kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => None,
    }
}

fn with(at: &[At], last: impl Into<At>) -> Vec<At> {
    at.iter().cloned().chain([last.into()]).collect()
}

#[cfg(test)]
mod tests;
