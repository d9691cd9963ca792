//! What is known of what a server offers: what it said last, on this run or an earlier one.
//!
//! What is remembered lets lists show what a server has before it was started, and says how it wants to be greeted. It
//! is a file of the gateway's state folder, named by everything that the lists could depend on.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gateway_core::{
    payload::Json,
    role::Pattern,
    source::{Abilities, Item, Kind, Offer},
    wire::{
        json::{Members, Object},
        revision::Revision,
    },
};
use sha2::{Digest as _, Sha256};
use tracing::{debug, warn};

use super::{
    Endpoint, Settings,
    hello::Hello,
    lists::page_of,
    pins::{Held, Pins},
};

/// Hexadecimal digits of the key in a file's name.
const KEY_DIGITS: usize = 16;

/// For how many kinds of clients it is kept in memory what a server offers to them.
const KEPT: usize = 64;

/// What is known of one server, by what it was told that it can ask.
#[derive(Debug, Default)]
pub(super) struct Knowledge(Mutex<HashMap<Abilities, Arc<Known>>>);

/// What is known of what a server offers to clients of the same abilities.
#[derive(Debug)]
pub(super) struct Known {
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    offer: Arc<Offer>,
    revision: Option<Revision>,
    /// The file was looked for, or is out of date.
    looked: bool,
    /// What was agreed to of the offer.
    held: Option<Held>,
}

// === impl Knowledge ===

impl Knowledge {
    /// What is known of what is offered to clients of these abilities.
    pub(super) fn of(&self, settings: &Settings, abilities: &Abilities) -> Arc<Known> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(abilities) {
            return known.clone();
        }
        if all.len() >= KEPT {
            // What is forgotten here is read again from its file.
            all.retain(|abilities, known| *abilities == Abilities::NONE || Arc::strong_count(known) > 1);
        }
        let known = Arc::new(Known { file: file(settings, abilities), state: Mutex::default() });
        all.insert(abilities.clone(), known.clone());
        known
    }

    /// All that is known, for clients of whatever abilities.
    pub(super) fn all(&self) -> Vec<Arc<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

// === impl Known ===

impl Known {
    /// What is offered. The first time, the file is read.
    pub(super) fn offer(&self) -> Arc<Offer> {
        self.looked().offer.clone()
    }

    /// What was agreed to of the offer, as `pins` say: now, or when it was last looked at. Whether it was looked at anew.
    pub(super) fn held(&self, pins: &dyn Pins, now: bool) -> (Held, bool) {
        let mut state = self.looked();
        match &state.held {
            Some(held) if !now || held.version == pins.version() => (held.clone(), false),
            _ => {
                let held = Held::of(&state.offer, pins);
                state.held = Some(held.clone());
                (held, true)
            }
        }
    }

    /// What the server spoke when it was last seen. The first time, the file is read.
    pub(super) fn revision(&self) -> Option<Revision> {
        self.looked().revision
    }

    /// The server has introduced itself, and has these things. Whether that is news. `revision` is what it is to be
    /// remembered to speak; `None`: that is to be found out again.
    pub(super) async fn learn(&self, hello: &Hello, revision: Option<Revision>, lists: Vec<(Kind, Vec<Item>)>) -> bool {
        let (news, offer) = {
            let mut state = self.looked();
            let mut offer = Offer::clone(&state.offer);
            offer.greeting = Some(hello.greeting.clone());
            for (kind, items) in lists {
                let items = items.into();
                match kind {
                    Kind::Tool => offer.tools = Some(items),
                    Kind::Prompt => offer.prompts = items,
                    Kind::Resource => offer.resources = items,
                    Kind::Template => offer.templates = items,
                }
            }
            let (news, same_way) = (!same(&state.offer, &offer), state.revision == revision);
            state.revision = revision;
            if !news && same_way {
                return false;
            }
            if news {
                (state.offer, state.held) = (Arc::new(offer), None);
            }
            (news, state.offer.clone())
        };
        self.keep(offer, revision).await;
        news
    }

    async fn keep(&self, offer: Arc<Offer>, revision: Option<Revision>) {
        let Some(file) = self.file.clone() else { return };
        let path = file.clone();
        let written = tokio::task::spawn_blocking(move || write(&path, &offer, revision)).await;
        if let Ok(Err(error)) = written {
            warn!("{} cannot be written, so its tools are not remembered: {error}", file.display());
        }
    }

    fn looked(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut state.looked, true)
            && let Some((offer, revision)) = self.file.as_deref().and_then(read)
        {
            (state.offer, state.revision) = (Arc::new(offer), revision);
        }
        state
    }
}

fn same(a: &Offer, b: &Offer) -> bool {
    let same =
        |a: &[Item], b: &[Item]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.definition == b.definition);
    a.tools.is_some() == b.tools.is_some()
        && a.greeting == b.greeting
        && Kind::ALL.iter().all(|kind| same(a.items(*kind), b.items(*kind)))
}

/// The file for what a server offers that was told of these abilities; `None`: nothing is remembered.
fn file(settings: &Settings, abilities: &Abilities) -> Option<PathBuf> {
    let folder = settings.state_folder.as_ref()?;
    Some(folder.join("tools").join(format!("{}-{}.json", settings.name, key(settings, abilities))))
}

/// Stands for everything that a server's list could depend on. Values of variables are left out, since they change
/// without meaning another list (a fresh token).
fn key(settings: &Settings, abilities: &Abilities) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        // With its length, so that no two lists of parts give the same text.
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    };
    let globs = |globs: &[Pattern]| globs.iter().map(|glob| glob.as_str().to_owned()).collect::<Vec<_>>().join("\0");
    let names =
        |values: &[(String, String)]| values.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join("\0");
    match &settings.endpoint {
        Endpoint::Command(line) => {
            add(line.program.as_bytes());
            add(line.args.join("\0").as_bytes());
            add(line.cwd.as_ref().map_or(&b""[..], |cwd| cwd.as_os_str().as_encoded_bytes()));
            add(names(&line.env).as_bytes());
        }
        Endpoint::Remote(remote) => {
            add(remote.url.as_str().as_bytes());
            add(format!("{:?}", remote.transport).as_bytes());
            add(names(&remote.headers).as_bytes());
        }
    }
    add(settings.allow.as_deref().map_or("*".to_owned(), globs).as_bytes());
    add(globs(&settings.deny).as_bytes());
    add(abilities.capabilities().as_bytes());
    let digest = hash.finalize();
    let mut text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(KEY_DIGITS);
    text
}

/// What the file holds. One that cannot be read is as good as none: the next start writes it anew.
fn read(path: &Path) -> Option<(Offer, Option<Revision>)> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            warn!("{} cannot be read: {error}", path.display());
            return None;
        }
    };
    let page = match Json::parse(text) {
        Ok(page) if page.is_object() => page,
        _ => {
            warn!("{} holds no list of tools; it is written anew when the server starts", path.display());
            return None;
        }
    };
    let members = Members::read(page.as_bytes()).unwrap_or_default();
    let items = |kind| page_of(&page, kind).0.into();
    let offer = Offer {
        tools: Some(items(Kind::Tool)),
        prompts: items(Kind::Prompt),
        resources: items(Kind::Resource),
        templates: items(Kind::Template),
        greeting: members.get("greeting").and_then(|raw| Json::parse(raw.get().as_bytes().to_vec()).ok()),
        aliases: Box::default(),
    };
    Some((offer, members.text("revision").and_then(|name| Revision::named(&name))))
}

/// Writes it down, all or nothing: another gateway may be reading it.
///
/// # Errors
/// Where the folder cannot be written.
fn write(path: &Path, offer: &Offer, revision: Option<Revision>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut object = Object::with_capacity(4096);
    if let Some(revision) = revision {
        object.text("revision", revision.as_str());
    }
    if let Some(greeting) = &offer.greeting {
        object.raw("greeting", greeting.as_bytes());
    }
    for kind in Kind::ALL {
        object.raw(kind.member(), &list(offer.items(kind)));
    }
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(object.finish().as_bytes())?;
    file.persist(path)?;
    debug!("{} tools remembered in {}", offer.items(Kind::Tool).len(), path.display());
    Ok(())
}

fn list(items: &[Item]) -> Vec<u8> {
    let mut list = vec![b'['];
    for item in items {
        if list.len() > 1 {
            list.extend_from_slice(b",\n");
        }
        list.extend_from_slice(item.definition.as_bytes());
    }
    list.push(b']');
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::upstream::{CommandLine, Remote, tests::settings};

    fn hello(greeting: &'static str) -> Hello {
        Hello::new(Revision::LATEST, Json::parse(greeting).unwrap())
    }

    fn tools(definitions: &[&'static str]) -> Vec<(Kind, Vec<Item>)> {
        let page = format!("{{\"tools\":[{}]}}", definitions.join(","));
        vec![(Kind::Tool, page_of(&Json::parse(page).unwrap(), Kind::Tool).0)]
    }

    #[test]
    fn the_key_depends_on_what_the_list_depends_on() {
        let base = || settings("a", "x");
        let none = Abilities::default();
        let of = |settings: &Settings| key(settings, &none);
        let mut others = vec![of(&base())];
        let mut other = |change: &dyn Fn(&mut Settings)| {
            let mut settings = base();
            change(&mut settings);
            others.push(of(&settings));
        };
        let command =
            |line: CommandLine| move |settings: &mut Settings| settings.endpoint = Endpoint::Command(line.clone());
        let args = |args: &[&str]| args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>();
        let variable = |value: &str| vec![("A".to_owned(), value.to_owned())];
        other(&command(CommandLine::new("y")));
        other(&command(CommandLine { args: args(&["a", "b"]), ..CommandLine::new("x") }));
        other(&command(CommandLine { args: args(&["ab"]), ..CommandLine::new("x") }));
        other(&command(CommandLine { cwd: Some("/".into()), ..CommandLine::new("x") }));
        other(&command(CommandLine { env: variable("1"), ..CommandLine::new("x") }));
        let remote = |url: &str| Remote::new(url::Url::parse(url).unwrap());
        other(&|settings| settings.endpoint = Endpoint::Remote(remote("http://a/mcp")));
        other(&|settings| settings.endpoint = Endpoint::Remote(remote("http://b/mcp")));
        other(&|settings| settings.allow = Some(vec![]));
        other(&|settings| settings.deny = vec![Pattern::new("x").unwrap()]);
        others.push(key(&base(), &Abilities::of(Some(&Json::parse(r#"{"roots":{}}"#).unwrap()))));
        let distinct: std::collections::HashSet<_> = others.iter().collect();
        assert_eq!(distinct.len(), others.len());
        let with = |value: &str| CommandLine { env: variable(value), ..CommandLine::new("x") };
        let value = |value: &str| Settings { endpoint: Endpoint::Command(with(value)), ..base() };
        assert_eq!(of(&value("1")), of(&value("2")));
    }

    #[test]
    fn everything_is_remembered_and_a_broken_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tools/a.json");
        assert!(read(&path).is_none());
        let page = r#"{"tools":[{"name":"a", "x":1.0},{"name":"b"}],"prompts":[{"name":"p"}],
            "resources":[{"uri":"r"}],"resourceTemplates":[{"uriTemplate":"t{x}"}],
            "greeting":{"capabilities":{"x":{}}}}"#;
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, page).unwrap();
        let (offer, revision) = read(&path).unwrap();
        assert_eq!(revision, None, "a file of an earlier version has none");
        assert_eq!(Kind::ALL.map(|kind| offer.items(kind).len()), [2, 1, 1, 1]);
        write(&path, &offer, Some(Revision::MODERN)).unwrap();
        let (again, revision) = read(&path).unwrap();
        assert!(same(&again, &offer) && again.declares("x"));
        assert_eq!(revision, Some(Revision::MODERN));
        fs::write(&path, "{\"tools\":[").unwrap();
        assert!(read(&path).is_none());
    }

    #[tokio::test]
    async fn the_same_lists_are_no_news() {
        let known = Knowledge::default().of(&settings("a", "x"), &Abilities::NONE);
        let latest = Some(Revision::LATEST);
        assert!(known.offer().tools.is_none() && known.revision().is_none());
        assert!(known.learn(&hello("{}"), latest, tools(&[r#"{"name":"a"}"#])).await);
        let before = known.offer();
        assert!(!known.learn(&hello("{}"), latest, tools(&[r#"{"name":"a"}"#])).await);
        assert!(Arc::ptr_eq(&before, &known.offer()));
        assert!(known.learn(&hello("{}"), latest, tools(&[r#"{"name":"a","x":1}"#])).await);
        assert!(
            known.learn(&hello("{\"capabilities\":{}}"), latest, vec![]).await,
            "what it says of itself counts too"
        );
        assert!(known.learn(&hello("{}"), latest, tools(&[])).await);
        assert!(known.offer().tools.as_ref().unwrap().is_empty());
        assert_eq!(known.revision(), latest);
    }
}
