//! What is known of a server's tools: what it said last, on this run or an earlier one.
//!
//! A list that is remembered lets `tools/list` show a server's tools before the server was started. It is a file of the
//! gateway's state folder, named by everything that the list could depend on.

use std::{
    fs::{self, DirBuilder},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gateway_core::{
    payload::Json,
    role::Pattern,
    source::{Abilities, Item, Offer},
    wire::json::Object,
};
use sha2::{Digest as _, Sha256};
use tracing::{debug, warn};

use super::{Endpoint, Settings, handshake::read_page};

/// Hexadecimal digits of the key in a file's name.
const KEY_DIGITS: usize = 16;

/// What is known of one server's tools.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    offer: Arc<Offer>,
    /// The file was looked for, or is out of date.
    looked: bool,
}

impl Known {
    /// What is known. The first time, the file is read that `file` names.
    pub(super) fn offer(&self, file: impl FnOnce() -> Option<PathBuf>) -> Arc<Offer> {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.looked, true) {
            let tools = file().and_then(|path| read(&path));
            if tools.is_some() {
                state.offer = Arc::new(Offer { tools, ..Offer::default() });
            }
        }
        state.offer.clone()
    }

    /// The server has these tools. Whether that is news.
    pub(super) fn learn(&self, tools: Box<[Item]>) -> bool {
        let mut state = self.lock();
        state.looked = true;
        let same = state.offer.tools.as_ref().is_some_and(|known| same(known, &tools));
        if !same {
            state.offer = Arc::new(Offer { tools: Some(tools), ..Offer::default() });
        }
        !same
    }

    /// The client is another than was thought: another file may hold its list.
    pub(super) fn forget(&self) {
        *self.lock() = State::default();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn same(a: &[Item], b: &[Item]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.definition == b.definition)
}

/// The file for the list of a server that was told of these abilities; `None`: nothing is remembered.
pub(super) fn file(settings: &Settings, abilities: &Abilities) -> Option<PathBuf> {
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
    let names = |values: &[(String, String)]| values.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join("\0");
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

/// The list in the file. One that cannot be read is as good as none: the next start writes it anew.
fn read(path: &Path) -> Option<Box<[Item]>> {
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
    Some(read_page(&page).0.into())
}

/// Writes the list, all or nothing: another gateway may be reading it.
///
/// # Errors
/// Where the folder cannot be written.
pub(super) fn write(path: &Path, tools: &[Item]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut list = vec![b'['];
    for tool in tools {
        if list.len() > 1 {
            list.extend_from_slice(b",\n");
        }
        list.extend_from_slice(tool.definition.as_bytes());
    }
    list.push(b']');
    let mut object = Object::with_capacity(list.len() + 16);
    object.raw("tools", &list);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(object.finish().as_bytes())?;
    file.persist(path)?;
    debug!("{} tools remembered in {}", tools.len(), path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::upstream::{CommandLine, Remote, tests::settings};

    fn tools(definitions: &[&'static str]) -> Box<[Item]> {
        let page = format!("{{\"tools\":[{}]}}", definitions.join(","));
        read_page(&Json::parse(page).unwrap()).0.into()
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
        let command = |line: CommandLine| move |settings: &mut Settings| settings.endpoint = Endpoint::Command(line.clone());
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
    fn a_list_is_remembered_and_a_broken_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tools/a.json");
        assert!(read(&path).is_none());
        let list = tools(&[r#"{"name":"a", "x":1.0}"#, r#"{"name":"b"}"#]);
        write(&path, &list).unwrap();
        assert!(same(&read(&path).unwrap(), &list));
        fs::write(&path, "{\"tools\":[").unwrap();
        assert!(read(&path).is_none());
        write(&path, &list).unwrap();
        assert!(read(&path).is_some());
    }

    #[test]
    fn the_same_list_is_no_news() {
        let known = Known::default();
        assert!(known.offer(|| None).tools.is_none());
        assert!(known.learn(tools(&[r#"{"name":"a"}"#])));
        let before = known.offer(|| unreachable!("it was looked for"));
        assert!(!known.learn(tools(&[r#"{"name":"a"}"#])));
        assert!(Arc::ptr_eq(&before, &known.offer(|| None)));
        assert!(known.learn(tools(&[r#"{"name":"a","x":1}"#])));
        assert!(known.learn(tools(&[])));
        assert!(known.offer(|| None).tools.as_ref().unwrap().is_empty());
    }
}
