//! References to environment variables, as each program writes them and as `gateway.yaml` does: `${VAR}` and
//! `${VAR:-default}`, and `$${` for the text itself.

use std::path::Path;

/// How a program writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Not at all: a text is what it is.
    Plain,
    /// `$VAR` and `${VAR}`.
    Shell,
    /// `${VAR}`, `${env:VAR}`, `${input:id}` and a few that the editor knows.
    Editor,
}

/// `text` as we would write it, and what is to be said about that.
pub(super) fn ours(text: &str, dialect: Dialect, workspace: &Path) -> (String, Vec<String>) {
    match dialect {
        Dialect::Plain => (text.replace("${", "$${"), Vec::new()),
        Dialect::Shell => (shell(text), Vec::new()),
        Dialect::Editor => editor(text, workspace),
    }
}

fn shell(text: &str) -> String {
    let mut ours = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        ours.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let word = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let braces = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        match braces {
            Some((name, after)) => {
                ours.push_str(&if is_name(name) { format!("${{{name}}}") } else { format!("$${{{name}}}") });
                rest = after;
            }
            None if is_name(&rest[..word]) => {
                ours.push_str(&format!("${{{}}}", &rest[..word]));
                rest = &rest[word..];
            }
            None if rest.starts_with('{') => ours.push_str("$$"),
            None => ours.push('$'),
        }
    }
    ours + rest
}

fn editor(text: &str, workspace: &Path) -> (String, Vec<String>) {
    let (mut ours, mut notes) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        ours.push_str(before);
        let Some((inner, after)) = after.split_once('}') else {
            ours.push_str("$${");
            rest = after;
            continue;
        };
        rest = after;
        let (kind, name) = inner.split_once(':').unwrap_or((inner, ""));
        match kind {
            "env" if is_name(name) => ours.push_str(&format!("${{{name}}}")),
            "input" if !name.is_empty() => {
                let variable = input(name);
                notes.push(format!(
                    "nobody is asked for `{name}` here: set the variable {variable} where the gateway is started"
                ));
                ours.push_str(&format!("${{{variable}}}"));
            }
            "userHome" => ours.push_str("${HOME}"),
            "workspaceFolder" | "workspaceRoot" => {
                notes.push(format!("`${{{inner}}}` is {} here", workspace.display()));
                ours.push_str(&workspace.to_string_lossy());
            }
            "workspaceFolderBasename" => {
                ours.push_str(&workspace.file_name().unwrap_or_default().to_string_lossy());
            }
            "pathSeparator" | "/" => ours.push(std::path::MAIN_SEPARATOR),
            _ if is_ours(inner) => ours.push_str(&format!("${{{inner}}}")),
            _ => {
                notes.push(format!("`${{{inner}}}` means nothing here and is taken as text"));
                ours.push_str(&format!("$${{{inner}}}"));
            }
        }
    }
    (ours + rest, notes)
}

/// The variable that stands for what an editor would ask for.
pub(super) fn input(id: &str) -> String {
    let name: String =
        id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    if is_name(&name) { name } else { format!("INPUT_{name}") }
}

fn is_ours(inner: &str) -> bool {
    is_name(inner.split_once(":-").map_or(inner, |(name, _)| name))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, dialect: Dialect) -> String {
        ours(text, dialect, Path::new("/srv/project")).0
    }

    #[test]
    fn a_shells() {
        for (text, wanted) in [
            ("$TOKEN", "${TOKEN}"),
            ("a-$A.b-${B}", "a-${A}.b-${B}"),
            ("5$ and $1", "5$ and $1"),
            ("${not a name}", "$${not a name}"),
            ("${open", "$${open"),
            ("läuft für $A€", "läuft für ${A}€"),
        ] {
            assert_eq!(of(text, Dialect::Shell), wanted);
        }
    }

    #[test]
    fn an_editors() {
        for (text, wanted) in [
            ("${env:TOKEN}", "${TOKEN}"),
            ("${TOKEN:-none}", "${TOKEN:-none}"),
            ("${workspaceFolder}/data", "/srv/project/data"),
            ("${userHome}/${workspaceFolderBasename}", "${HOME}/project"),
            ("Bearer ${input:api-key}", "Bearer ${API_KEY}"),
            ("${command:pick}", "$${command:pick}"),
            ("$PLAIN ${", "$PLAIN $${"),
        ] {
            assert_eq!(of(text, Dialect::Editor), wanted);
        }
    }

    #[test]
    fn where_there_are_none_a_text_is_what_it_is() {
        assert_eq!(of("$A ${B}", Dialect::Plain), "$A $${B}");
    }
}
