//! What a tool answered, as the reply of the call: checked, under the output limit, and with what was denied. What has no
//! result with `isError` for its failures shares the words for them.

use gateway_core::{
    error::{CallError, Failure, FailureKind},
    payload::{Json, Reply},
};

use crate::{
    bindings::types::{ToolError, ToolResult},
    convert,
    definitions::Definition,
    guest::Context,
    permissions::Denial,
    trap::output_limit,
};

/// The reply of `tool`. `denial` is what it was denied last.
pub(crate) fn reply(
    context: &Context,
    tool: &Definition,
    outcome: Result<ToolResult, ToolError>,
    denial: Option<&Denial>,
) -> Result<Reply, CallError> {
    let result = match outcome {
        Ok(result) => result,
        Err(error) => return error_reply(context, &tool.name, error, denial),
    };
    if convert::size(&result) > context.limits.output_bytes() {
        return Err(output_limit(context).into());
    }
    let broken = |what: &str| {
        let message = format!("plugin {:?}: tool {:?} {what}", context.name, &*tool.name);
        CallError::from(Failure::new(FailureKind::Broken, message))
    };
    let structured = match result.structured.clone() {
        Some(text) => {
            let json = Json::parse(convert::one_line(text)).ok().filter(Json::is_object);
            Some(json.ok_or_else(|| broken("returned structured content that is no JSON object"))?)
        }
        None => None,
    };
    match &structured {
        Some(structured) if !result.is_error => tool
            .check_structured(structured)
            .map_err(|problem| broken(&format!("returned other structured content than it promises: {problem}")))?,
        None if tool.is_structured() && !result.is_error => {
            return Err(broken("promises structured content, and returned none"));
        }
        _ => {}
    }
    // What succeeded in spite of a denial did without.
    let note = denial.filter(|_| result.is_error).map(Denial::lines);
    let body = convert::result(&result, structured.as_ref(), note.as_deref());
    Ok(Reply { body: body.map_err(|error| broken(&format!("returned what cannot be written: {error}")))? })
}

fn error_reply(context: &Context, tool: &str, error: ToolError, denial: Option<&Denial>) -> Result<Reply, CallError> {
    let name = &context.name;
    let failure = match error {
        ToolError::Failed(text) | ToolError::InvalidArguments(text) if text.len() > context.limits.output_bytes() => {
            output_limit(context)
        }
        ToolError::Failed(text) => {
            let note = denial.map(Denial::lines);
            return Ok(Reply { body: convert::error_result(&text, note.as_deref()) });
        }
        ToolError::InvalidArguments(text) => Failure::new(FailureKind::Arguments, format!("tool {tool:?}: {text}")),
        ToolError::UnknownTool(_) => {
            let message = format!("plugin {name:?}: it lists the tool {tool:?}, and does not know it when called");
            Failure::new(FailureKind::Broken, message)
        }
        ToolError::Cancelled => cancelled(context),
    };
    Err(failure.into())
}

/// A plugin that stopped because the call was cancelled.
pub(crate) fn cancelled(context: &Context) -> Failure {
    Failure::new(FailureKind::Cancelled, format!("plugin {:?}: the call was cancelled", context.name))
}

/// A plugin that gave nothing of `what`, with what it was denied before.
pub(crate) fn failed(context: &Context, what: &str, text: &str, denial: Option<Denial>) -> Failure {
    if text.len() > context.limits.output_bytes() {
        return output_limit(context);
    }
    let message = format!("plugin {:?}: {what}: {text}", context.name);
    match denial {
        // The likely cause.
        Some(denial) => {
            Failure::new(FailureKind::Denied, format!("{message}; before that, {}", denial.message)).hint(denial.hint)
        }
        None => Failure::new(FailureKind::Unavailable, message),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use gateway_core::{name::SourceName, units::Size};
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        bindings::types::{Content, TextContent},
        definitions::Definitions,
        limits::Limits,
        permissions::Permissions,
    };

    /// A plugin `p` with an output limit of 20 bytes.
    pub(crate) fn context() -> Context {
        Context {
            name: SourceName::new("p").unwrap(),
            permissions: Permissions::default(),
            limits: Limits { output: Size::bytes(20), ..Limits::default() },
            config: Json::empty_object(),
            counts_fuel: false,
            rehearsal: None,
            storage: None,
        }
    }

    fn result(text: &str, structured: Option<&str>, is_error: bool) -> ToolResult {
        let text = Content::Text(TextContent { text: text.to_owned(), annotations: None });
        ToolResult { content: vec![text], structured: structured.map(ToOwned::to_owned), is_error }
    }

    fn denial() -> Denial {
        Denial { message: "not allowed".to_owned(), hint: "allow it".to_owned() }
    }

    /// A tool `t`; one that promises structured content promises `{}`.
    fn definitions(is_structured: bool) -> Definitions {
        let mut json = json!({ "name": "t", "inputSchema": { "type": "object" } });
        if is_structured {
            json["outputSchema"] =
                json!({ "type": "object", "properties": { "b": {} }, "additionalProperties": false });
        }
        let all = json!({ "tools": [json], "prompts": [], "resources": [], "resourceTemplates": [] });
        Definitions::remembered(&Json::from_value(&all)).unwrap()
    }

    fn ok(is_structured: bool, outcome: Result<ToolResult, ToolError>) -> Result<Value, String> {
        let definitions = definitions(is_structured);
        let reply = reply(&context(), definitions.find("t").unwrap(), outcome, Some(&denial()));
        reply.map(|reply| reply.body.to().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn results_are_checked() {
        let text = json!([{ "type": "text", "text": "hi" }]);
        assert_eq!(ok(false, Ok(result("hi", None, false))).unwrap(), json!({ "content": text }));
        assert_eq!(
            ok(true, Ok(result("hi", Some("{\n}"), false))).unwrap(),
            json!({ "content": text, "structuredContent": {} })
        );
        let error = |outcome, is_structured| ok(is_structured, Ok(outcome)).unwrap_err();
        for bad in ["[]", "{", "1"] {
            assert_eq!(
                error(result("hi", Some(bad), false), false),
                r#"plugin "p": tool "t" returned structured content that is no JSON object"#
            );
        }
        assert_eq!(
            error(result("hi", Some(r#"{"a":1}"#), false), true),
            r#"plugin "p": tool "t" returned other structured content than it promises: member "a" is unknown"#
        );
        assert!(error(result("hi", None, false), true).ends_with("promises structured content, and returned none"));
        assert_eq!(
            error(result(&"x".repeat(21), None, false), false),
            r#"plugin "p": output limit of 20 bytes reached"#
        );
    }

    #[test]
    fn errors_say_what_was_denied() {
        let note = json!({ "type": "text", "text": "not allowed\nhint: allow it" });
        let content = |text: &str| json!([{ "type": "text", "text": text }, note]);
        assert_eq!(
            ok(true, Ok(result("hi", None, true))).unwrap(),
            json!({ "content": content("hi"), "isError": true })
        );
        assert_eq!(
            ok(true, Err(ToolError::Failed("no".to_owned()))).unwrap(),
            json!({ "content": content("no"), "isError": true })
        );
    }

    #[test]
    fn errors_have_kinds() {
        let kind = |error| match reply(&context(), definitions(false).find("t").unwrap(), Err(error), None) {
            Err(CallError::Failed(failure)) => failure.kind,
            other => panic!("{other:?}"),
        };
        assert_eq!(kind(ToolError::InvalidArguments("a".to_owned())), FailureKind::Arguments);
        assert_eq!(kind(ToolError::UnknownTool("t".to_owned())), FailureKind::Broken);
        assert_eq!(kind(ToolError::Cancelled), FailureKind::Cancelled);
        assert_eq!(kind(ToolError::Failed("x".repeat(21))), FailureKind::Limit);
    }
}
