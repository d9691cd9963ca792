//! Resources, and the templates of their addresses.

use std::sync::Arc;

use gateway_core::{payload::Json, source::Item};

use super::template;
use crate::{
    bindings::types::{ResourceLink, ResourceTemplate},
    convert,
};

/// A family of resources.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) uri: Arc<str>,
    pub(super) json: Json,
}

/// What is read of a definition.
#[derive(serde::Deserialize)]
struct Head {
    uri: Box<str>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct TemplateHead {
    uri_template: Box<str>,
}

pub(super) fn listed(resource: &ResourceLink) -> Result<Item, String> {
    if !is_uri(&resource.uri) {
        return Err("its address is no URI, such as notes:///today".to_owned());
    }
    named(&resource.name)?;
    Ok(Item { name: resource.uri.as_str().into(), definition: convert::resource_definition(resource) })
}

/// From its definition as `resources/list` shows it.
pub(super) fn remembered(json: Json) -> Option<Item> {
    let head: Head = json.to().ok()?;
    Some(Item { name: head.uri.into(), definition: json })
}

impl Template {
    pub(super) fn listed(of: &ResourceTemplate) -> Result<Self, String> {
        template::variables(&of.uri_template)?;
        named(&of.name)?;
        Ok(Self { uri: of.uri_template.as_str().into(), json: convert::template_definition(of) })
    }

    /// From its definition as `resources/templates/list` shows it.
    pub(super) fn read(json: Json) -> Option<Self> {
        let head: TemplateHead = json.to().ok()?;
        Some(Self { uri: head.uri_template.into(), json })
    }

    /// Whether it has a variable of that name.
    pub(crate) fn takes(&self, variable: &str) -> bool {
        template::variables(&self.uri).is_ok_and(|variables| variables.contains(&variable))
    }
}

fn named(name: &str) -> Result<(), String> {
    match name.trim().is_empty() {
        true => Err("it has no name".to_owned()),
        false => Ok(()),
    }
}

/// Whether it is an absolute URI (RFC 3986, sections 2 and 3), as strict clients demand of an address.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let legal_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let legal = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let encoded = |part: &str| part.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    legal_scheme && !rest.is_empty() && rest.chars().all(legal) && rest.split('%').skip(1).all(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("notes:///today", true),
            ("urn:isbn:0451450523", true),
            ("https://example.com/a%20b?c=[d]#e", true),
            ("today", false),
            ("/notes/today", false),
            ("1notes:today", false),
            ("notes:", false),
            ("notes:///a b", false),
            ("notes:///{year}", false),
            ("notes:///ä", false),
            ("notes:///50%", false),
            ("notes:///%zz", false),
            ("notes:///a\n", false),
        ] {
            assert_eq!(is_uri(text), expected, "{text}");
        }
    }
}
