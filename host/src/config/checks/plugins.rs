//! Checks of `plugins`.

use std::{fs, path::Path};

use super::Checks;
use crate::config::{Config, Plugin, Problem, problem::KeyPath, read::lookup};

pub(super) fn check(config: &Config, checks: &mut Checks<'_>) {
    for (name, plugin) in config.plugins.iter() {
        let path = KeyPath::of(["plugins", name.as_str()]);
        digest(plugin, &path, checks);
        if plugin.enabled && !checks.problems.iter().any(|problem| problem.path.is_within(&source_path(checks, &path)))
        {
            source(plugin, &path, checks);
            folders(plugin, &path, checks);
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
    if digest.len() != 64 || !digest.chars().all(|c| c.is_ascii_hexdigit()) {
        let message = format!("a SHA-256 has 64 hexadecimal digits, this has {} characters", digest.chars().count());
        let hint = match digest.strip_prefix("sha256:") {
            Some(_) => "leave out the `sha256:` before it",
            None => "copy it from `sha256sum FILE.wasm`",
        };
        checks.push(Problem::error(path.with("sha256"), message).hint(hint));
    }
}

fn source(plugin: &Plugin, path: &KeyPath, checks: &mut Checks<'_>) {
    let at = source_path(checks, path);
    let source = plugin.source.as_str();
    if source.trim().is_empty() {
        checks
            .push(Problem::error(at, "the source is empty").hint("write a plugin folder or a `.wasm` file").at_value());
        return;
    }
    if !is_local(source) {
        remote(source, at, checks);
        return;
    }
    let file = Path::new(source);
    // As it is written, since that is what the reader can find again.
    let written = lookup(checks.root, &at).and_then(|value| value.as_str()).unwrap_or(source);
    if !file.exists() {
        let hint = "relative paths start at the folder of this file; `gateway plugin new NAME` begins a plugin";
        checks.push(Problem::entry(at, format!("there is no file or folder `{written}`")).hint(hint).at_value());
    } else if file.is_dir() && !has_component(file) {
        let problem = Problem::entry(at, format!("the plugin in `{written}` is not built"));
        checks.push(problem.hint(format!("run `gateway plugin build {written}`")).at_value());
    } else if file.is_file() && file.extension().is_none_or(|extension| extension != "wasm") {
        let problem = Problem::entry(at, format!("`{written}` is no plugin: neither a `.wasm` file nor a folder"));
        checks.push(problem.hint("name the plugin's folder, or the `.wasm` file in it").at_value());
    }
}

fn remote(source: &str, at: KeyPath, checks: &mut Checks<'_>) {
    let scheme = source.split("://").next().unwrap_or_default();
    match scheme {
        "https" => {}
        "oci" => {
            let hint = "download the component and name the file, or write `enabled: false`";
            let message = "plugins from a registry (`oci://`) are not supported in this version yet";
            checks.push(Problem::entry(at, message).hint(hint).at_value());
        }
        "http" => {
            let problem =
                Problem::error(at, "a plugin is not loaded over plain http: anyone on the way could replace it");
            checks.push(problem.hint(format!("write `{}`", source.replacen("http", "https", 1))).at_value());
        }
        scheme => {
            let problem = Problem::error(at, format!("`{scheme}://` is no source of plugins"));
            checks.push(problem.hint("write a folder, a `.wasm` file or an `https://` address").at_value());
        }
    }
}

fn has_component(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "wasm"))
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
