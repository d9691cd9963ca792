//! Between WIT and MCP: results, content and definitions.

mod prompts;
mod read;
mod resources;
mod write;

pub(crate) use self::{
    prompts::{completion, prompt_definition, prompt_result, prompt_size},
    read::nested_result,
    resources::{contents_size, read_result, resource_definition, template_definition},
    write::{definition, error_result, one_line, result, size},
};

#[cfg(test)]
mod tests {
    use gateway_core::payload::Json;
    use serde_json::{Value, json};

    use super::*;
    use crate::bindings::types::{self, Content, ToolResult};

    fn every_kind() -> Value {
        let annotations = json!({ "audience": ["user", "assistant"], "priority": 0.5, "lastModified": "2026-01-31" });
        json!([
            { "type": "text", "text": "a text", "annotations": annotations },
            { "type": "image", "data": "AAH/", "mimeType": "image/png" },
            { "type": "audio", "data": "", "mimeType": "audio/wav" },
            {
                "type": "resource_link", "uri": "file:///x", "name": "x", "title": "X", "description": "An x",
                "mimeType": "text/plain", "size": 5,
            },
            { "type": "resource", "resource": { "uri": "memory://note", "mimeType": "text/plain", "text": "note" } },
            { "type": "resource", "resource": { "uri": "memory://bytes", "blob": "AAEC/w==" } },
        ])
    }

    #[test]
    fn what_is_read_is_written_again() {
        let mcp = json!({ "content": every_kind(), "structuredContent": { "a": 1.50 }, "isError": true });
        let read = nested_result(&Json::from_value(&mcp)).unwrap();
        assert_eq!(read.content.len(), 6);
        let structured = Json::parse(read.structured.clone().unwrap()).unwrap();
        let written = result(&read, Some(&structured), None).unwrap();
        assert_eq!(written.to::<Value>().unwrap(), mcp);
    }

    #[test]
    fn unknown_content_stays_readable() {
        let mcp =
            Json::parse(r#"{"content":[{"type":"hologram","x":1},{"type":"image","data":"?","mimeType":"a/b"}]}"#);
        let read = nested_result(&mcp.unwrap()).unwrap();
        assert!(matches!(&read.content[0], Content::Text(text) if text.text == r#"{"type":"hologram","x":1}"#));
        assert!(matches!(&read.content[1], Content::Text(_)));
        assert!(nested_result(&Json::parse("[1]").unwrap()).is_err());
    }

    #[test]
    fn structured_content_alone_is_shown_as_text_too() {
        let structured = Json::parse(r#"{"sum":3}"#).unwrap();
        let empty = ToolResult { content: vec![], structured: None, is_error: false };
        let written = result(&empty, Some(&structured), None).unwrap();
        assert_eq!(
            written.as_str(),
            r#"{"content":[{"type":"text","text":"{\"sum\":3}"}],"structuredContent":{"sum":3}}"#
        );
    }

    #[test]
    fn definitions_are_those_of_mcp() {
        let tool = types::ToolDefinition {
            name: "add".to_owned(),
            title: Some("Add".to_owned()),
            description: None,
            input_schema: String::new(),
            output_schema: None,
            annotations: Some(types::ToolAnnotations {
                read_only: Some(true),
                destructive: None,
                idempotent: Some(true),
                open_world: Some(false),
            }),
        };
        let written = definition(&tool, &Json::parse(r#"{"type":"object"}"#).unwrap(), None).unwrap();
        assert_eq!(
            written.as_str(),
            r#"{"name":"add","title":"Add","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"idempotentHint":true,"openWorldHint":false}}"#
        );
    }

    #[test]
    fn sizes_count_what_is_said() {
        let text = |text: &str| Content::Text(types::TextContent { text: text.to_owned(), annotations: None });
        let some =
            ToolResult { content: vec![text("abc"), text("")], structured: Some("{}".to_owned()), is_error: false };
        assert_eq!(size(&some), 5);
    }

    #[test]
    fn json_becomes_one_line() {
        assert_eq!(one_line("{\r\n \"a\": \"\\n\"\n}".to_owned()), "{   \"a\": \"\\n\" }");
    }
}
