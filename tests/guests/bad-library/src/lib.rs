//! Lists and gives what no plugin may: which of it, its `config` says.

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package tests:library;
        world library {
            include gateway:plugin/resource-provider@0.1.0;
            include gateway:plugin/prompt-provider@0.1.0;
            include gateway:plugin/completion-provider@0.1.0;
        }
    ",
    world: "tests:library/library",
    generate_all,
});

use exports::gateway::plugin::{completions, prompts, resources};
use gateway::plugin::{
    host,
    types::{
        Argument, Completion, Content, PromptArgument, PromptDefinition, PromptError, PromptMessage, PromptResult,
        ResourceBody, ResourceContents, ResourceError, ResourceLink, ResourceTemplate, Role, TextContent,
    },
};

struct Library;

/// Whether `config` is the text `habit`.
fn has(habit: &str) -> bool {
    host::config().trim_matches('"') == habit
}

fn link(uri: &str, name: &str) -> ResourceLink {
    ResourceLink {
        uri: uri.to_owned(),
        name: name.to_owned(),
        title: None,
        description: None,
        mime_type: None,
        size: None,
        annotations: None,
    }
}

fn huge() -> String {
    "x".repeat(2 << 20)
}

impl resources::Guest for Library {
    fn list_resources() -> Vec<ResourceLink> {
        match () {
            () if has("no-uri") => vec![link("just a name", "a")],
            () if has("no-name") => vec![link("bad:///a", "")],
            () if has("twice") => vec![link("bad:///a", "a"), link("bad:///a", "b")],
            () if has("endless-list") => (0..200_000).map(|_| link("", "")).collect(),
            () => vec![link("bad:///a", "a")],
        }
    }

    fn list_resource_templates() -> Vec<ResourceTemplate> {
        let uri_template = if has("bad-template") { "bad:///{a" } else { "bad:///{a}" };
        vec![ResourceTemplate {
            uri_template: uri_template.to_owned(),
            name: "t".to_owned(),
            title: None,
            description: None,
            mime_type: None,
            annotations: None,
        }]
    }

    fn read_resource(uri: String) -> Result<Vec<ResourceContents>, ResourceError> {
        let text = |uri: String, text: String| {
            Ok(vec![ResourceContents { uri, mime_type: None, body: ResourceBody::Text(text) }])
        };
        match () {
            () if has("another") => text("bad:///secret".to_owned(), "of another".to_owned()),
            () if has("huge") => text(uri, huge()),
            () if has("huge-error") => Err(ResourceError::Failed(huge())),
            () if has("denied") => {
                let denied = host::call_tool("guest__nothing", "{}").is_err();
                Err(ResourceError::Failed(format!("did without: {denied}")))
            }
            () if has("traps") => panic!("not in the mood"),
            () => text(uri, "fine".to_owned()),
        }
    }
}

impl prompts::Guest for Library {
    fn list_prompts() -> Vec<PromptDefinition> {
        let argument =
            |name: &str| PromptArgument { name: name.to_owned(), title: None, description: None, required: false };
        let arguments = if has("same-arguments") { vec![argument("a"), argument("a")] } else { vec![argument("a")] };
        vec![PromptDefinition { name: "p".to_owned(), title: None, description: None, arguments }]
    }

    fn get_prompt(_: String, _: Vec<Argument>) -> Result<PromptResult, PromptError> {
        if has("forgets") {
            return Err(PromptError::NotFound);
        }
        let text = if has("huge") { huge() } else { "fine".to_owned() };
        let content = Content::Text(TextContent { text, annotations: None });
        Ok(PromptResult { description: None, messages: vec![PromptMessage { role: Role::User, content }] })
    }
}

impl completions::Guest for Library {
    fn complete_prompt(_: String, _: Argument, _: Vec<Argument>) -> Result<Completion, PromptError> {
        if has("huge") {
            return Ok(Completion { values: vec![huge()], total: None, has_more: None });
        }
        Err(PromptError::NotFound)
    }

    fn complete_resource(_: String, _: Argument, _: Vec<Argument>) -> Result<Completion, PromptError> {
        Err(PromptError::Failed("nobody knows".to_owned()))
    }
}

export!(Library);
