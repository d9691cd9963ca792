//! A plugin's resources: what a function gives for an address, and the way from an address to the function.

use std::fmt::Display;

use serde::Serialize;

use crate::arguments::TextInput;
use crate::{EmbeddedResource, Json, ResourceBody, plugin};

/// A function with `#[resource]`.
pub trait Resource {
    /// What the plugin knows about it.
    const ENTRY: ResourceEntry;
}

/// A resource, or a family of resources.
#[derive(Clone, Copy, Debug)]
pub struct ResourceEntry {
    /// Its address, or the template of its addresses.
    pub uri: &'static str,
    /// The parts of the template; none where `uri` is an address.
    pub template: &'static [Part],
    /// Its name for programs.
    pub name: &'static str,
    /// Its name for people.
    pub title: Option<&'static str>,
    /// What it is.
    pub description: Option<&'static str>,
    /// Its media type.
    pub mime_type: Option<&'static str>,
    /// Reads it.
    pub read: fn(Reading<'_>) -> Result<Vec<EmbeddedResource>, ResourceFailure>,
}

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Stands there as it is.
    Literal(&'static str),
    /// `{name}`: at least one character, and no `/`, `?` or `#`.
    Variable(&'static str),
    /// `{+name}`: at least one character.
    Path(&'static str),
}

/// Why there is no resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceFailure {
    /// The plugin has none there.
    NotFound,
    /// Anything else, in one sentence.
    Failed(String),
}

/// What is to be read.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The address that was asked for.
    uri: &'a str,
    /// The media type that the attribute told.
    mime_type: Option<&'static str>,
    /// The variables of the template that are still to be taken.
    variables: Vec<(&'static str, String)>,
}

/// What a function with [`#[resource]`](macro@crate::resource) may return.
///
/// | type | the client reads |
/// |---|---|
/// | texts | the text |
/// | `Vec<u8>`, `&'static [u8]` | the bytes |
/// | [`ResourceBody`] | the one or the other |
/// | [`Json<T>`] | the JSON text, as `application/json` where the attribute names no media type |
/// | [`EmbeddedResource`], `Vec<EmbeddedResource>` | what they say, each with an address of its own |
/// | `Option<T>` | `T`, or that there is no such resource |
/// | `Result<T, E>` | `T`, or the error's message |
#[diagnostic::on_unimplemented(
    message = "a resource cannot be a `{Self}`",
    label = "not something that a client can read",
    note = "return a text, bytes, `ResourceBody`, `EmbeddedResource`, or an `Option` or `Result` of these",
    note = "a type with `Serialize` is returned as `gateway_sdk::Json<{Self}>`"
)]
pub trait ResourceOutput: Sized {
    /// What was read at `reading`.
    ///
    /// # Errors
    ///
    /// There is nothing to read, or it could not be read.
    fn into_contents(self, reading: &Reading<'_>) -> Result<Vec<EmbeddedResource>, ResourceFailure>;
}

// === impl ResourceEntry ===

impl ResourceEntry {
    /// Stands in for a resource that did not compile; it has no address.
    pub const BROKEN: Self = Self {
        uri: "",
        template: &[],
        name: "",
        title: None,
        description: None,
        mime_type: None,
        read: |_| Err(ResourceFailure::NotFound),
    };

    pub(crate) const fn is_template(&self) -> bool {
        !self.template.is_empty()
    }

    pub(crate) const fn has_variable(&self, name: &str) -> bool {
        let mut index = 0;
        while index < self.template.len() {
            if let Part::Variable(variable) | Part::Path(variable) = self.template[index]
                && plugin::same(variable, name)
            {
                return true;
            }
            index += 1;
        }
        false
    }

    /// What is to be read where `uri` is an address of this.
    fn reading<'a>(&self, uri: &'a str) -> Option<Reading<'a>> {
        let mut variables = Vec::new();
        let fits = if self.is_template() { fit(self.template, uri, &mut variables) } else { self.uri == uri };
        fits.then_some(Reading { uri, mime_type: self.mime_type, variables })
    }
}

/// Reads what is at `uri`: the first that has something there, those with that very address before the templates.
pub fn read(resources: &[ResourceEntry], uri: &str) -> Result<Vec<EmbeddedResource>, ResourceFailure> {
    for templates in [false, true] {
        for resource in resources.iter().filter(|resource| resource.is_template() == templates) {
            let Some(reading) = resource.reading(uri) else { continue };
            match (resource.read)(reading) {
                Err(ResourceFailure::NotFound) => {}
                answer => return answer,
            }
        }
    }
    Err(ResourceFailure::NotFound)
}

/// Whether `text` is an address of the template, and its variables. A variable is as long as it can be.
fn fit(template: &[Part], text: &str, variables: &mut Vec<(&'static str, String)>) -> bool {
    let Some((part, rest)) = template.split_first() else { return text.is_empty() };
    let (name, end) = match part {
        Part::Literal(literal) => {
            return text.strip_prefix(literal).is_some_and(|text| fit(rest, text, variables));
        }
        Part::Variable(name) => (name, text.find(['/', '?', '#']).unwrap_or(text.len())),
        Part::Path(name) => (name, text.len()),
    };
    let before = variables.len();
    for end in (1..=end).rev() {
        let Some((value, after)) = text.split_at_checked(end) else { continue };
        let Some(value) = decoded(value) else { continue };
        variables.push((name, value));
        if fit(rest, after, variables) {
            return true;
        }
        variables.truncate(before);
    }
    false
}

/// The text with its `%20` and the like resolved (RFC 3986), where that is UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            let digit = |digit: u8| char::from(digit).to_digit(16);
            bytes.push(u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()?);
            rest = after;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

// === impl Reading ===

impl Reading<'_> {
    /// The variable of that name.
    ///
    /// # Errors
    ///
    /// Its text is no `T`, so there is no such resource.
    pub fn take<T: TextInput>(&mut self, name: &str) -> Result<T, ResourceFailure> {
        let at = self.variables.iter().position(|(variable, _)| *variable == name);
        let value = at.map(|at| self.variables.swap_remove(at).1).ok_or(ResourceFailure::NotFound)?;
        T::read(&value).map_err(|_| ResourceFailure::NotFound)
    }

    fn contents(&self, body: ResourceBody) -> Vec<EmbeddedResource> {
        vec![EmbeddedResource { uri: self.uri.to_owned(), mime_type: self.mime_type.map(str::to_owned), body }]
    }
}

// === impl ResourceOutput ===

impl ResourceOutput for ResourceBody {
    fn into_contents(self, reading: &Reading<'_>) -> Result<Vec<EmbeddedResource>, ResourceFailure> {
        Ok(reading.contents(self))
    }
}

macro_rules! bodies {
    ($($ty:ty => $body:ident),+) => {$(
        impl ResourceOutput for $ty {
            fn into_contents(self, reading: &Reading<'_>) -> Result<Vec<EmbeddedResource>, ResourceFailure> {
                Ok(reading.contents(ResourceBody::$body(self.into())))
            }
        }
    )+};
}

bodies!(String => Text, &'static str => Text, Vec<u8> => Blob, &'static [u8] => Blob);

impl<T: Serialize> ResourceOutput for Json<T> {
    fn into_contents(self, reading: &Reading<'_>) -> Result<Vec<EmbeddedResource>, ResourceFailure> {
        let text = serde_json::to_string(&self.0)
            .map_err(|error| ResourceFailure::Failed(format!("the resource has no JSON form: {error}")))?;
        let mime_type = reading.mime_type.unwrap_or("application/json").to_owned();
        let body = ResourceBody::Text(text);
        Ok(vec![EmbeddedResource { uri: reading.uri.to_owned(), mime_type: Some(mime_type), body }])
    }
}

impl ResourceOutput for EmbeddedResource {
    fn into_contents(self, _: &Reading<'_>) -> Result<Vec<EmbeddedResource>, ResourceFailure> {
        Ok(vec![self])
    }
}

impl ResourceOutput for Vec<EmbeddedResource> {
    fn into_contents(self, _: &Reading<'_>) -> Result<Vec<EmbeddedResource>, ResourceFailure> {
        Ok(self)
    }
}

impl<T: ResourceOutput> ResourceOutput for Option<T> {
    fn into_contents(self, reading: &Reading<'_>) -> Result<Vec<EmbeddedResource>, ResourceFailure> {
        self.map_or(Err(ResourceFailure::NotFound), |output| output.into_contents(reading))
    }
}

impl<T: ResourceOutput, E: Display> ResourceOutput for Result<T, E> {
    fn into_contents(self, reading: &Reading<'_>) -> Result<Vec<EmbeddedResource>, ResourceFailure> {
        match self {
            Ok(output) => output.into_contents(reading),
            Err(error) => Err(ResourceFailure::Failed(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(template: &[Part], uri: &str) -> Option<Vec<(&'static str, String)>> {
        let mut variables = Vec::new();
        fit(template, uri, &mut variables).then_some(variables)
    }

    #[test]
    fn variables_are_found_and_decoded() {
        let template = [Part::Literal("notes:///"), Part::Variable("year"), Part::Literal("/"), Part::Variable("name")];
        let found = |uri| variables(&template, uri);
        let both = |year: &str, name: &str| Some(vec![("year", year.to_owned()), ("name", name.to_owned())]);
        assert_eq!(found("notes:///2026/a%20b%C3%A4"), both("2026", "a bä"));
        for none in ["notes:///2026", "notes:///2026/", "notes:///2026/a/b", "notes:////a", "other:///2026/a"] {
            assert_eq!(found(none), None, "{none}");
        }
        for broken in ["notes:///2026/%", "notes:///2026/%2", "notes:///2026/%zz", "notes:///2026/%ff"] {
            assert_eq!(found(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_variable_is_as_long_as_it_can_be() {
        let template = [Part::Variable("stem"), Part::Literal("."), Part::Variable("extension")];
        let found = variables(&template, "a.tar.gz");
        assert_eq!(found, Some(vec![("stem", "a.tar".to_owned()), ("extension", "gz".to_owned())]));
        let template = [Part::Literal("file:///"), Part::Path("path")];
        assert_eq!(variables(&template, "file:///a/b?c"), Some(vec![("path", "a/b?c".to_owned())]));
    }
}
