//! Honest: has resources, prompts and completions, and not a single tool.

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

const BOOKS: [&str; 4] = ["emma", "ethan-frome", "middlemarch", "moby-dick"];

struct Library;

impl resources::Guest for Library {
    fn list_resources() -> Vec<ResourceLink> {
        let link = |uri: &str, name: &str, mime_type: &str| ResourceLink {
            uri: uri.to_owned(),
            name: name.to_owned(),
            title: None,
            description: None,
            mime_type: Some(mime_type.to_owned()),
            size: None,
            annotations: None,
        };
        vec![link("library:///rules", "rules", "text/plain"), link("library:///stamp", "stamp", "image/png")]
    }

    fn list_resource_templates() -> Vec<ResourceTemplate> {
        vec![ResourceTemplate {
            uri_template: "library:///books/{title}/{page}".to_owned(),
            name: "page".to_owned(),
            title: Some("A page of a book".to_owned()),
            description: None,
            mime_type: Some("text/plain".to_owned()),
            annotations: None,
        }]
    }

    fn read_resource(uri: String) -> Result<Vec<ResourceContents>, ResourceError> {
        let body = match uri.as_str() {
            "library:///rules" => ResourceBody::Text("No talking.".to_owned()),
            "library:///stamp" => ResourceBody::Blob(vec![0, 1, 254, 255]),
            "library:///books/emma/666" => return Err(ResourceError::Failed("the page was torn out".to_owned())),
            other => {
                let page = other.strip_prefix("library:///books/").and_then(|rest| rest.split_once('/'));
                let (title, page) = page.filter(|(title, _)| BOOKS.contains(title)).ok_or(ResourceError::NotFound)?;
                ResourceBody::Text(format!("page {page} of {title}"))
            }
        };
        let text = matches!(body, ResourceBody::Text(_));
        let mime_type = if text { "text/plain" } else { "image/png" };
        Ok(vec![ResourceContents { uri, mime_type: Some(mime_type.to_owned()), body }])
    }
}

impl prompts::Guest for Library {
    fn list_prompts() -> Vec<PromptDefinition> {
        let argument =
            |name: &str, required| PromptArgument { name: name.to_owned(), title: None, description: None, required };
        vec![PromptDefinition {
            name: "review".to_owned(),
            title: Some("Review a book".to_owned()),
            description: Some("What to think of a book".to_owned()),
            arguments: vec![argument("title", true), argument("mood", false)],
        }]
    }

    fn get_prompt(name: String, arguments: Vec<Argument>) -> Result<PromptResult, PromptError> {
        if name != "review" {
            return Err(PromptError::NotFound);
        }
        let find = |name: &str| arguments.iter().find(|one| one.name == name).map(|one| one.value.as_str());
        let title = find("title").unwrap_or_default();
        if !BOOKS.contains(&title) {
            return Err(PromptError::InvalidArguments(format!("there is no book {title:?}")));
        }
        host::progress(1.0, None, Some("looking for the book"));
        let mood = find("mood").unwrap_or("fair");
        let text = TextContent { text: format!("Write a {mood} review of {title}."), annotations: None };
        let message = PromptMessage { role: Role::User, content: Content::Text(text) };
        Ok(PromptResult { description: Some("A review".to_owned()), messages: vec![message] })
    }
}

impl completions::Guest for Library {
    fn complete_prompt(_: String, argument: Argument, _: Vec<Argument>) -> Result<Completion, PromptError> {
        match argument.name.as_str() {
            "title" => Ok(books(&argument.value)),
            _ => Err(PromptError::NotFound),
        }
    }

    fn complete_resource(_: String, argument: Argument, context: Vec<Argument>) -> Result<Completion, PromptError> {
        match (argument.name.as_str(), context.first()) {
            ("title", _) => Ok(books(&argument.value)),
            ("page", Some(title)) if title.value == "emma" => {
                let values = (1..=150).map(|page| format!("{page}")).filter(|page| page.starts_with(&argument.value));
                Ok(Completion { values: values.collect(), total: None, has_more: None })
            }
            _ => Err(PromptError::InvalidArguments("say first of which book".to_owned())),
        }
    }
}

fn books(begin: &str) -> Completion {
    let values = BOOKS.iter().filter(|title| title.starts_with(begin)).map(|title| (*title).to_owned());
    Completion { values: values.collect(), total: None, has_more: Some(false) }
}

export!(Library);
