//! Checks of `plugins`.

use std::path::Path;

use serde_yaml::Value;

use super::{Checks, secrets};
use crate::{
    config::{Config, Plugin, Problem, problem::KeyPath, read::lookup},
    packages::{
        Digest,
        file::{self, FileError},
        reference::{Reference, ReferenceError},
    },
};

pub(super) fn check(config: &Config, file: &Path, checks: &mut Checks<'_>) {
    let trust = config.trust(file);
    for (name, plugin) in config.plugins.iter() {
        let path = KeyPath::of(["plugins", name.as_str()]);
        let at = source_path(checks, &path);
        digest(plugin, &path, checks);
        // A variable that is not set is a problem of its own.
        if plugin.enabled && !checks.problems.iter().any(|problem| problem.path == at) {
            let is_locked = !matches!(trust.lock().entry(name.as_str()), Ok(None));
            source(plugin, &path, at, is_locked, checks);
            folders(plugin, &path, checks);
            secrets::check(plugin, &path, checks);
        }
    }
}

/// Whether a source is a file or folder of this machine.
pub(super) fn is_local(source: &str) -> bool {
    !source.contains("://")
}

/// Where the source is written: the short form is nothing but the source.
fn source_path(checks: &Checks<'_>, path: &KeyPath) -> KeyPath {
    match lookup(checks.root, path) {
        Some(value) if value.is_string() => path.clone(),
        _ => path.with("source"),
    }
}

fn digest(plugin: &Plugin, path: &KeyPath, checks: &mut Checks<'_>) {
    let Some(digest) = &plugin.sha256 else { return };
    if digest.parse::<Digest>().is_err() {
        let digits = digest.strip_prefix("sha256:").unwrap_or(digest).chars().count();
        let message = format!("a SHA-256 has 64 hexadecimal digits; this one has {digits} characters");
        let message = if digits == 64 { "a SHA-256 has hexadecimal digits alone".to_owned() } else { message };
        let problem = Problem::error(path.with("sha256"), message);
        checks.push(problem.hint("copy it from `sha256sum FILE.wasm`").at_value());
    }
}

fn source(plugin: &Plugin, path: &KeyPath, at: KeyPath, is_locked: bool, checks: &mut Checks<'_>) {
    let reference = match Reference::parse(&plugin.source, Path::new("")) {
        Ok(reference) => reference,
        Err(error) => return checks.push(wrong_reference(&error, &plugin.source, at).at_value()),
    };
    match reference {
        // What a digest names cannot become something else.
        Reference::Oci(image) if image.digest.is_some() => {}
        // No reason to leave it out: it is refused when it is loaded, and `gateway lock` has to see it.
        Reference::Web(_) | Reference::Oci(_) if plugin.sha256.is_none() && !is_locked => {
            let problem = Problem::warning(
                at,
                "a plugin from the web is not used before it is pinned, since it could be another one tomorrow",
            );
            let pin = "`gateway lock` pins what is there now; or write its `sha256`";
            checks.push(problem.about(path.clone()).hint(pin));
        }
        Reference::Web(_) | Reference::Oci(_) => {}
        Reference::Local(file) => {
            if let Err(error) = file::component(&file) {
                let written = written(checks, &at).unwrap_or(&plugin.source).to_owned();
                checks.push(wrong_file(&error, &written, at).at_value());
            }
        }
    }
}

fn wrong_reference(error: &ReferenceError, source: &str, at: KeyPath) -> Problem {
    match error {
        ReferenceError::Empty => {
            Problem::error(at, "the source is empty").hint("write a plugin folder or a `.wasm` file")
        }
        ReferenceError::Http(_) => {
            Problem::error(at, "a plugin is not loaded over plain http: anyone on the way could replace it")
                .hint(format!("write `{}`", source.replacen("http", "https", 1)))
        }
        ReferenceError::Scheme { scheme, .. } => Problem::error(at, format!("`{scheme}://` is no source of plugins"))
            .hint("write a folder, a `.wasm` file, or an `https://` or `oci://` address"),
        other => Problem::error(at, other.to_string()).hint(other.hint()),
    }
}

/// The path as it is written, since that is what the reader can find again.
fn wrong_file(error: &FileError, written: &str, at: KeyPath) -> Problem {
    match error {
        FileError::Missing(_) => Problem::entry(at, format!("there is no file or folder `{written}`"))
            .hint("relative paths start at the folder of this file"),
        FileError::NotBuilt { .. } => Problem::entry(at, format!("the plugin in `{written}` is not built"))
            .hint(format!("run `gateway plugin build {written}`")),
        FileError::Other(_) => {
            Problem::entry(at, format!("`{written}` is no plugin: neither a `.wasm` file nor a folder"))
                .hint("name the plugin's folder, or the `.wasm` file in it")
        }
        other => {
            let problem = Problem::entry(at, other.to_string());
            match other.hint() {
                Some(hint) => problem.hint(hint),
                None => problem,
            }
        }
    }
}

fn written<'r>(checks: &Checks<'r>, at: &KeyPath) -> Option<&'r str> {
    lookup(checks.root, at).and_then(Value::as_str)
}

fn folders(plugin: &Plugin, path: &KeyPath, checks: &mut Checks<'_>) {
    let files = path.with("permissions").with("files");
    for (at, grant) in plugin.permissions.files.iter().enumerate() {
        let at = files.with(at).with("path");
        if !grant.path.is_dir() && !checks.problems.iter().any(|problem| problem.path == at) {
            let problem = Problem::entry(at, format!("there is no folder `{}`", grant.path.display()));
            checks.push(problem.hint("create it, or name another one").at_value());
        }
    }
}
