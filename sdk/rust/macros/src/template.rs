//! Templates of addresses: the part of RFC 6570 that can be read backwards.

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Stands there as it is.
    Literal(String),
    /// `{name}`.
    Variable(String),
    /// `{+name}`, which may hold slashes.
    Path(String),
}

impl Part {
    pub(crate) fn variable(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Variable(name) | Self::Path(name) => Some(name),
        }
    }
}

/// The parts of a template, or what is wrong with it.
pub(crate) fn parse(template: &str) -> Result<Vec<Part>, String> {
    check_scheme(template)?;
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let Some(after) = rest.strip_prefix('{') else {
            let (literal, after) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
            if literal.contains('}') {
                return Err("a `}` in the template has no `{`".to_owned());
            }
            parts.push(Part::Literal(literal.to_owned()));
            rest = after;
            continue;
        };
        let (expression, after) = after.split_once('}').ok_or("a `{` in the template has no `}`")?;
        if parts.last().is_some_and(|part| part.variable().is_some()) {
            return Err("two variables need a text between them, or it cannot be told where one ends".to_owned());
        }
        let part = variable(expression)?;
        if parts.iter().any(|other| other.variable() == part.variable()) {
            return Err(format!("the variable `{}` stands in the template twice", part.variable().unwrap_or_default()));
        }
        parts.push(part);
        rest = after;
    }
    match parts.iter().any(|part| part.variable().is_some()) {
        true => Ok(parts),
        false => Err("a template has variables, such as `{id}`; without them, write `uri = \"...\"`".to_owned()),
    }
}

fn variable(expression: &str) -> Result<Part, String> {
    let (name, is_path) = match expression.strip_prefix('+') {
        Some(name) => (name, true),
        None => (expression, false),
    };
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match (is_name, is_path) {
        (true, false) => Ok(Part::Variable(name.to_owned())),
        (true, true) => Ok(Part::Path(name.to_owned())),
        (false, _) => Err(format!(
            "`{{{expression}}}` cannot be read backwards: a template may have `{{name}}`, and `{{+name}}` for what may \
             hold slashes"
        )),
    }
}

/// Whether the text begins as an address does.
pub(crate) fn check_scheme(uri: &str) -> Result<(), String> {
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme).unwrap_or_default();
    let fits = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    match fits {
        true => Ok(()),
        false => Err("an address begins with a scheme, as in `notes:///index`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_read() {
        let name = |name: &str| name.to_owned();
        let parts = parse("notes:///{year}/{+rest}.md");
        let expected = vec![
            Part::Literal(name("notes:///")),
            Part::Variable(name("year")),
            Part::Literal(name("/")),
            Part::Path(name("rest")),
            Part::Literal(name(".md")),
        ];
        assert_eq!(parts, Ok(expected));
    }

    #[test]
    fn what_cannot_be_read_backwards_is_refused() {
        for bad in [
            "notes",
            "{id}",
            "a:",
            "a:b",
            "a:{",
            "a:}",
            "a:{b}{c}",
            "a:{b}/{b}",
            "a:{?b}",
            "a:{b,c}",
            "a:{b*}",
            "a:{}",
            "a:{+}",
            "1a:{b}",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
