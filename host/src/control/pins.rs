//! Servers' tools, held against `gateway.lock`.

use gateway_core::{name::SourceName, payload::Json, source::Item};

use crate::{
    packages::lockfile::{Lock, LockError, ServerEntry, sentence},
    sources::upstream::{Pins, Verdict},
};

/// Tools that are named at most, and the characters of each: the server has chosen them.
const NAMED: usize = 6;
const NAME: usize = 64;

/// What the lock file says of one server.
#[derive(Debug)]
pub(super) struct Locked {
    pub(super) lock: Lock,
    pub(super) server: SourceName,
}

impl Pins for Locked {
    fn version(&self) -> u64 {
        self.lock.version()
    }

    fn judge(&self, tools: Option<&[Item]>) -> Option<Verdict> {
        match self.lock.server(self.server.as_str()) {
            Ok(entry) => Some(against(&entry?, tools, &self.server)),
            Err(error) => Some(damaged(&error, tools)),
        }
    }
}

fn against(entry: &ServerEntry, tools: Option<&[Item]>, server: &SourceName) -> Verdict {
    let Some(tools) = tools else { return Verdict::default() };
    let agreed: Vec<bool> = tools.iter().map(|tool| entry.agrees(&tool.definition)).collect();
    let refused: Vec<&str> =
        tools.iter().zip(&agreed).filter(|(_, agreed)| !**agreed).map(|(tool, _)| &*tool.name).collect();
    let differences = entry.differences(&now(tools));
    let told = (!refused.is_empty()).then(|| (named(&refused), hint(&refused, server)));
    let error = told.as_ref().map(|(what, hint)| format!("{what}; hint: {hint}"));
    let notice = match &told {
        Some((what, hint)) => Some(format!("{what} ({}); hint: {hint}", sentence(&differences))),
        None if differences.is_empty() => None,
        None => Some(format!("it is not what gateway.lock says: {}", sentence(&differences))),
    };
    Verdict { agreed, error, notice }
}

fn now(tools: &[Item]) -> ServerEntry {
    let definitions: Vec<&Json> = tools.iter().map(|tool| &tool.definition).collect();
    ServerEntry::new(definitions)
}

/// Nobody knows what was agreed to: nothing counts.
fn damaged(error: &LockError, tools: Option<&[Item]>) -> Verdict {
    let text = format!("its tools are not offered: {error}; hint: {}", error.hint());
    let agreed = vec![false; tools.map_or(0, <[Item]>::len)];
    Verdict { agreed, error: Some(text.clone()), notice: Some(text) }
}

/// That these are not offered.
fn named(refused: &[&str]) -> String {
    let short = |name: &&str| format!("{:?}", name.chars().take(NAME).collect::<String>());
    let names = refused.iter().take(NAMED).map(short).collect::<Vec<_>>().join(", ");
    let rest = refused.len().saturating_sub(NAMED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("not offered, since gateway.lock does not have them as they are: {names}{more}")
}

/// What to do about it.
fn hint(refused: &[&str], server: &SourceName) -> String {
    match refused {
        [tool] if tool.len() <= NAME && !tool.contains(char::is_control) => {
            format!("gateway approve {}", shell_words::quote(&format!("{server}/{tool}")))
        }
        _ => format!("gateway approve {server}/TOOL agrees to one of them, gateway approve {server} to all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, description: &str) -> Item {
        let definition = serde_json::json!({ "name": name, "description": description });
        Item { name: name.into(), definition: Json::from_value(&definition) }
    }

    #[test]
    fn what_is_not_as_it_was_is_named() {
        let server = SourceName::new("x").unwrap();
        let entry = now(&[item("a", "1"), item("b", "1"), item("c", "1")]);
        let judge = |tools: &[Item]| against(&entry, Some(tools), &server);
        assert_eq!(
            judge(&[item("c", "1"), item("a", "1"), item("b", "1")]),
            Verdict { agreed: vec![true; 3], ..Verdict::default() }
        );
        let verdict = judge(&[item("a", "1"), item("b", "2"), item("c", "1")]);
        assert_eq!(verdict.agreed, [true, false, true]);
        let error = verdict.error.unwrap();
        assert!(error.contains(r#""b""#) && error.ends_with("hint: gateway approve x/b"), "{error}");
        assert!(verdict.notice.unwrap().contains(r#"tools.b.description was "1" and is "2""#));
        // What is gone is missed by nobody who calls it, and told all the same.
        let verdict = judge(&[item("a", "1"), item("b", "1")]);
        assert_eq!((verdict.agreed, verdict.error), (vec![true; 2], None));
        assert!(verdict.notice.unwrap().contains(r#"the tool "c" is gone"#));
        assert_eq!(against(&entry, None, &server), Verdict::default());
    }

    #[test]
    fn what_a_server_calls_its_tools_stays_short_and_harmless() {
        let server = SourceName::new("x").unwrap();
        assert_eq!(named(&["a\n\u{1b}"]).rsplit_once(": ").unwrap().1, r#""a\n\u{1b}""#);
        assert_eq!(hint(&["a; rm -rf ~"], &server), "gateway approve 'x/a; rm -rf ~'");
        assert_eq!(hint(&["a\n"], &server), hint(&["a", "b"], &server));
        let long = "x".repeat(100_000);
        for refused in [vec![long.as_str(); 1000], vec![long.as_str()]] {
            assert!(named(&refused).len() < 1000 && hint(&refused, &server).len() < 1000);
        }
    }
}
