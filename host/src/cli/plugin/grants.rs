//! What a plugin asks for, what it is granted, and who decides. A plugin gets nothing that was neither named on the
//! command line nor shown to a person who said yes.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use gateway_core::units::Size;
use gateway_wasm::{
    config::{ClientAsk, FileGrant, LimitsConfig, Manifest, PermissionsConfig, PluginConfig},
    limits::Limits,
    permissions::{NetPattern, ToolPattern},
};
use serde::Serialize;

use super::place::seen_from;
use crate::cli::Usage;

/// The flags that grant something.
#[derive(Debug, Default, clap::Args)]
pub(super) struct GrantFlags {
    /// Let it reach a web server: `https://api.github.com`, `GET,HEAD https://*.example.com/docs/`
    #[arg(long = "allow-net", value_name = "[METHODS ]HOST[/PATH]")]
    net: Vec<NetPattern>,
    /// Show it a folder of this machine, and with `:rw` let it change what is in there
    #[arg(long = "allow-dir", value_name = "HOST:GUEST[:rw]")]
    dirs: Vec<Dir>,
    /// Show it a variable of the gateway's environment
    #[arg(long = "allow-env", value_name = "NAME")]
    env: Vec<Variable>,
    /// Let it call other tools, by their public names and within the caller's role
    #[arg(long = "allow-tool", value_name = "GLOB", value_parser = tool_pattern)]
    tools: Vec<ToolPattern>,
    /// Let it ask the client: elicitation (the user), sampling (the model), roots (where it works)
    #[arg(long = "allow-client", value_name = "WHAT", value_parser = client_ask)]
    client: Vec<ClientAsk>,
    /// Let it keep so much from call to call, such as 1MiB
    #[arg(long = "allow-storage", value_name = "SIZE")]
    storage: Option<Size>,
    /// Grant all that it asks for, without a question
    #[arg(short, long)]
    yes: bool,
}

/// What a plugin asks for, or gets. Limits are here only where they go beyond the defaults: less needs no consent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Grants {
    /// What it may use.
    pub permissions: PermissionsConfig,
    /// How much it may use.
    pub limits: LimitsConfig,
}

/// The same for `--json`, and in words. Values of variables may be secret once they are filled in, and are left out.
#[derive(Debug, Default, Serialize)]
pub(super) struct Shown {
    net: Vec<NetPattern>,
    files: Vec<FileGrant>,
    env: Vec<String>,
    tools: Vec<ToolPattern>,
    client: Vec<ClientAsk>,
    limits: LimitsConfig,
    /// A line for each of them.
    #[serde(skip)]
    pub lines: Vec<String>,
}

/// How it comes to be granted.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "there is one of it, once")]
pub(super) enum Decision {
    /// The flags say it, or there is nothing to say.
    Grant(Grants),
    /// The person at the terminal says it.
    Ask,
    /// There are neither flags nor a person.
    Refuse,
}

/// `--allow-dir`: relative to where the command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Dir {
    host: PathBuf,
    guest: String,
    write: bool,
}

/// `--allow-env`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Variable(String);

impl FromStr for Dir {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, write) = match text.strip_suffix(":rw") {
            Some(rest) => (rest, true),
            None => (text.strip_suffix(":ro").unwrap_or(text), false),
        };
        // From the right, since a folder of this machine may have a colon in its name.
        let (host, guest) = rest.rsplit_once(':').ok_or("write HOST:GUEST, such as ./data:/data")?;
        if host.is_empty() || !guest.starts_with('/') || guest.split('/').any(|part| part == "..") {
            return Err(format!("{guest:?} is no place for a folder: write HOST:GUEST, such as ./data:/data"));
        }
        Ok(Self { host: host.into(), guest: guest.to_owned(), write })
    }
}

impl FromStr for Variable {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            true => Ok(Self(text.to_owned())),
            // Not a value, which would stay in the shell's history and in a file that is shared.
            false => Err("write the name of a variable; its value is read when the gateway starts".to_owned()),
        }
    }
}

fn client_ask(text: &str) -> Result<ClientAsk, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

fn tool_pattern(text: &str) -> Result<ToolPattern, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

// === impl GrantFlags ===

impl GrantFlags {
    /// Whether nothing is to be granted.
    pub(super) fn is_empty(&self) -> bool {
        let Self { net, dirs, env, tools, client, storage, yes } = self;
        let named = net.len() + dirs.len() + env.len() + tools.len() + client.len();
        named == 0 && storage.is_none() && !yes
    }

    /// Who decides on what is asked for.
    ///
    /// # Errors
    /// Folders that are not there.
    pub(super) fn decide(&self, asked: &Grants, folder: &Path, terminal: bool) -> Result<Decision, Usage> {
        let mut grants = self.named(folder)?;
        let names_some = grants != Grants::default();
        Ok(match (asked.is_empty(), self.yes, names_some) {
            (true, ..) | (false, false, true) => Decision::Grant(grants),
            (false, true, _) => {
                grants.add(asked);
                Decision::Grant(grants)
            }
            (false, false, false) if terminal => Decision::Ask,
            (false, false, false) => Decision::Refuse,
        })
    }

    /// What the flags name, with folders as they are seen from `folder`, where `gateway.yaml` is.
    fn named(&self, folder: &Path) -> Result<Grants, Usage> {
        let mut files = Vec::new();
        for dir in &self.dirs {
            let path = existing(&dir.host).map_err(|error| {
                Usage::new(format!("--allow-dir: {}: {error}", dir.host.display())).hint("name a folder that is there")
            })?;
            files.push(FileGrant { path: seen_from(&path, folder), mount: dir.guest.clone(), write: dir.write });
        }
        let variable = |Variable(name): &Variable| (name.clone(), format!("${{{name}}}"));
        let permissions = PermissionsConfig {
            net: self.net.clone(),
            files,
            env: self.env.iter().map(variable).collect(),
            tools: self.tools.clone(),
            client: self.client.clone(),
        };
        Ok(Grants { permissions, limits: LimitsConfig { storage: self.storage, ..LimitsConfig::default() } })
    }
}

/// The whole path of a folder.
fn existing(folder: &Path) -> io::Result<PathBuf> {
    let path = fs::canonicalize(folder)?;
    match path.is_dir() {
        true => Ok(path),
        false => Err(io::ErrorKind::NotADirectory.into()),
    }
}

// === impl Grants ===

impl Grants {
    /// What a plugin asks for.
    #[must_use]
    pub(super) fn asked(manifest: &Manifest) -> Self {
        let (limits, default) = (&manifest.limits, Limits::default());
        let mut permissions = manifest.permissions.clone();
        for (name, value) in &mut permissions.env {
            // Asked for without saying more, it is the variable of that name.
            if value.is_empty() {
                *value = format!("${{{name}}}");
            }
        }
        let limits = LimitsConfig {
            memory: limits.memory.filter(|memory| *memory > default.memory),
            time: limits.time.filter(|time| time.duration() > default.time),
            output: limits.output.filter(|output| *output > default.output),
            concurrency: limits.concurrency.filter(|concurrency| *concurrency > default.concurrency),
            storage: limits.storage,
            files: limits.files.filter(|files| *files > default.files),
            network: limits.network.filter(|network| *network > default.network),
            ..LimitsConfig::default()
        };
        Self { permissions, limits }
    }

    /// What the configuration grants, with the values of variables left out.
    #[must_use]
    pub(super) fn granted(config: &PluginConfig) -> Self {
        let mut permissions = config.permissions.clone();
        for (name, value) in &mut permissions.env {
            *value = format!("${{{name}}}");
        }
        Self { permissions, limits: config.limits.clone() }
    }

    /// Whether there is nothing.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is here and not in `granted`.
    #[must_use]
    pub(super) fn without(&self, granted: &Self) -> Self {
        let (mine, theirs) = (&self.permissions, &granted.permissions);
        let missing = |name: &&String| !theirs.env.contains_key(*name);
        let permissions = PermissionsConfig {
            net: mine.net.iter().filter(|entry| !theirs.net.contains(entry)).cloned().collect(),
            files: mine.files.iter().filter(|entry| !has_mount(&theirs.files, entry)).cloned().collect(),
            env: mine.env.keys().filter(missing).map(|name| (name.clone(), mine.env[name].clone())).collect(),
            tools: mine.tools.iter().filter(|entry| !theirs.tools.contains(entry)).cloned().collect(),
            client: mine.client.iter().filter(|entry| !theirs.client.contains(entry)).copied().collect(),
        };
        fn more<T: Ord + Copy>(mine: Option<T>, theirs: Option<T>) -> Option<T> {
            mine.filter(|mine| theirs.is_none_or(|theirs| theirs < *mine))
        }
        let (limits, given) = (&self.limits, &granted.limits);
        let limits = LimitsConfig {
            memory: more(limits.memory, given.memory),
            time: more(limits.time, given.time),
            output: more(limits.output, given.output),
            concurrency: more(limits.concurrency, given.concurrency),
            storage: more(limits.storage, given.storage),
            files: more(limits.files, given.files),
            network: more(limits.network, given.network),
            ..LimitsConfig::default()
        };
        Self { permissions, limits }
    }

    /// Adds what is in `other` and not here: where both have a folder for the same place, this one stays.
    fn add(&mut self, other: &Self) {
        let more = other.without(self);
        self.permissions.net.extend(more.permissions.net);
        self.permissions.files.extend(more.permissions.files);
        self.permissions.tools.extend(more.permissions.tools);
        self.permissions.client.extend(more.permissions.client);
        let env: BTreeMap<String, String> = more.permissions.env;
        self.permissions.env.extend(env);
        // The flags say no more of limits than how much may be kept.
        self.limits = LimitsConfig { storage: self.limits.storage.or(more.limits.storage), ..more.limits };
    }

    /// Each of them in words, for a line of its own.
    #[must_use]
    pub(super) fn lines(&self) -> Vec<String> {
        let (permissions, limits) = (&self.permissions, &self.limits);
        let mut lines: Vec<String> = permissions.net.iter().map(|host| format!("reach {}", host.as_str())).collect();
        for grant in &permissions.files {
            let may = if grant.write { "read and change" } else { "read" };
            lines.push(format!("{may} the folder {}, as {}", grant.path.display(), grant.mount));
        }
        for (name, value) in &permissions.env {
            lines.push(match *value == format!("${{{name}}}") {
                true => format!("see the variable {name}"),
                // What a plugin asks for may be another variable than it says.
                false => format!("see {value:?} as the variable {name}"),
            });
        }
        lines.extend(permissions.tools.iter().map(|glob| format!("call the tools {}", glob.as_str())));
        lines.extend(permissions.client.iter().map(|ask| match ask {
            ClientAsk::Elicitation => "ask the user, through the client".to_owned(),
            ClientAsk::Sampling => "ask the client's model, at the user's expense".to_owned(),
            ClientAsk::Roots => "see which folders the client works in".to_owned(),
        }));
        lines.extend(limits.storage.map(|storage| format!("keep {storage} from call to call")));
        lines.extend(limits.memory.map(|memory| format!("take {memory} of memory for a call")));
        lines.extend(limits.time.map(|time| format!("take {time} for a call")));
        lines.extend(limits.output.map(|output| format!("return {output} from a call")));
        lines.extend(limits.concurrency.map(|calls| format!("run {calls} calls at once")));
        lines.extend(limits.files.map(|files| format!("write {files} into its folders in a call")));
        lines.extend(limits.network.map(|network| format!("send and receive {network} each in a call")));
        lines
    }

    /// Fails where a folder is not there: the gateway would leave the plugin out.
    ///
    /// # Errors
    /// Names the folder.
    pub(super) fn check_folders(&self, folder: &Path) -> Result<(), Usage> {
        let missing = self.permissions.files.iter().find(|grant| !folder.join(&grant.path).is_dir());
        match missing {
            None => Ok(()),
            Some(grant) => {
                let message = format!("there is no folder {}, which it asks for", grant.path.display());
                Err(Usage::new(message)
                    .hint(format!("create it, or name another one: --allow-dir DIR:{}", grant.mount)))
            }
        }
    }
}

// === impl Shown ===

impl Shown {
    /// What `grants` are.
    #[must_use]
    pub(super) fn of(grants: &Grants) -> Self {
        let Grants { permissions, limits } = grants.clone();
        Self {
            net: permissions.net,
            files: permissions.files,
            env: permissions.env.into_keys().collect(),
            tools: permissions.tools,
            client: permissions.client,
            limits,
            lines: grants.lines(),
        }
    }
}

fn has_mount(grants: &[FileGrant], wanted: &FileGrant) -> bool {
    grants.iter().any(|grant| grant.mount == wanted.mount && grant.write >= wanted.write)
}
