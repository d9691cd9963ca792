//! `gateway server add`, with the arguments of `claude mcp add`.

use std::path::{Path, PathBuf, absolute};

use gateway_core::{name::SourceName, units::Seconds};
use serde_yaml::{Mapping, Value};

use super::{Place, not_edited, running};
use crate::{
    cli::{
        Global, Usage,
        running::{Api, Running, taken_as_it_is},
    },
    sources::upstream::config::Transport as Spoken,
};

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  gateway server add filesystem -- npx -y @modelcontextprotocol/server-filesystem .
  gateway server add github -e TOKEN='${GITHUB_TOKEN}' -- docker run -i --rm -e TOKEN IMAGE
  gateway server add docs --url https://example.com/mcp -H 'Authorization: Bearer ${DOCS_TOKEN}'";

/// Add a server to the configuration
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct AddCommand {
    /// The server's name: its tools are called NAME__tool
    name: String,
    /// The address of a remote server, or a program and arguments that do not begin with `-`
    #[arg(value_name = "URL|COMMAND")]
    target: Vec<String>,
    /// The program to start and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
    /// An environment variable of the program; '${VAR}' takes it from the gateway's own when the server starts
    #[arg(short, long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// What the server is for, in one sentence
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The folder that the program runs in
    #[arg(long, value_name = "FOLDER")]
    cwd: Option<PathBuf>,
    /// How long the server keeps running without being used, like 30s or 5m
    #[arg(long, value_name = "TIME")]
    idle_timeout: Option<String>,
    /// The address of a remote server, in place of a command
    #[arg(long, conflicts_with_all = ["target", "command", "env", "cwd"])]
    url: Option<String>,
    /// How a remote server is spoken to
    #[arg(short, long, value_enum)]
    transport: Option<Transport>,
    /// An HTTP header for a remote server
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Replace a server of that name
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    running: Running,
}

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Transport {
    Stdio,
    Http,
    Sse,
}

impl AddCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Wrong usage, or a configuration that cannot be changed.
    pub(super) async fn run(mut self, global: &Global) -> anyhow::Result<()> {
        self.take_target();
        SourceName::new(&self.name).map_err(|error| Usage::new(format!("{:?}: {error}", self.name)))?;
        if let Some(api) = self.running.api(global)? {
            return self.register(&api).await;
        }
        let mut place = Place::open(global)?;
        let replaced = self.check_free(&place)?;
        let folder = absolute(&place.file)?.parent().map(Path::to_owned).unwrap_or_default();
        let entry = self.entry(&folder)?;
        place.edit.set_entry("servers", &self.name, &entry).map_err(not_edited)?;
        let done = if replaced { "replaced" } else { "added" };
        place.save(&self.name, &format!("{done} the server {}", self.name))
    }

    /// Registers it in a gateway that runs.
    async fn register(&self, api: &Api) -> anyhow::Result<()> {
        if self.cwd.is_some() || self.idle_timeout.is_some() {
            let message =
                "--cwd and --idle-timeout are for the configuration's file, and no gateway that runs takes them";
            return Err(Usage::new(message).hint("leave --running out: a gateway that runs follows its file").into());
        }
        // Paths as they are seen from everywhere.
        let Value::Mapping(mut entry) = self.entry(Path::new("/"))? else { return Ok(()) };
        for (flag, key) in [("--env", "env"), ("--header", "headers")] {
            let values = entry.get(key).and_then(Value::as_mapping).into_iter().flat_map(Mapping::values);
            values.filter_map(Value::as_str).try_for_each(|value| taken_as_it_is(flag, value))?;
        }
        if let Some(url) = entry.get("url").and_then(Value::as_str) {
            let url = url.parse().map_err(|error| Usage::new(format!("{url:?} is no address: {error}")))?;
            let transport = if Spoken::of(&url) == Spoken::Sse { "sse" } else { "http" };
            entry.entry("transport".into()).or_insert_with(|| transport.into());
        }
        entry.insert("name".into(), self.name.as_str().into());
        running::add(api, &self.name, &serde_json::to_value(entry)?, self.force).await
    }

    /// `claude mcp add` takes an address where a command would stand, and short commands without `--`.
    fn take_target(&mut self) {
        let is_url = |target: &String| target.starts_with("http://") || target.starts_with("https://");
        let remote = matches!(self.transport, Some(Transport::Http | Transport::Sse));
        if self.command.is_empty() && self.target.len() == 1 && (remote || self.target.iter().any(is_url)) {
            self.url = self.target.pop();
        }
        let rest = std::mem::take(&mut self.command);
        self.command = std::mem::take(&mut self.target);
        self.command.extend(rest);
    }

    /// Whether there is a server of that name, which is then replaced.
    fn check_free(&self, place: &Place) -> Result<bool, Usage> {
        let (file, name) = (place.file.display(), &self.name);
        for section in ["plugins", "pipelines"] {
            if place.edit.entry(section, name).is_some() {
                let message = format!("{file}: the name {name:?} is taken by {section}.{name}");
                return Err(Usage::new(message).hint("choose another name"));
            }
        }
        match (place.edit.entry("servers", name).is_some(), self.force) {
            (true, false) => {
                let message = format!("{file}: there is a server {name:?} already");
                Err(Usage::new(message).hint("replace it with --force, or choose another name"))
            }
            (there, _) => Ok(there),
        }
    }

    /// What is written for the server. Paths are given as seen from here and written as seen from `folder`.
    fn entry(&self, folder: &Path) -> Result<Value, Usage> {
        let mut entry = Mapping::new();
        match &self.url {
            Some(url) => self.remote(url, &mut entry)?,
            None => self.local(folder, &mut entry)?,
        }
        if let Some(description) = &self.description {
            entry.insert("description".into(), description.as_str().into());
        }
        if let Some(time) = &self.idle_timeout {
            time.parse::<Seconds>().map_err(|error| Usage::new(format!("--idle-timeout: {error}")))?;
            // A bare number stays one.
            entry.insert("idle_timeout".into(), time.parse::<u64>().map_or_else(|_| time.as_str().into(), Value::from));
        }
        Ok(Value::Mapping(entry))
    }

    fn remote(&self, url: &str, entry: &mut Mapping) -> Result<(), Usage> {
        if self.transport == Some(Transport::Stdio) {
            return Err(Usage::new("--transport stdio: a server with a URL is spoken to by http or sse"));
        }
        if !self.env.is_empty() || self.cwd.is_some() {
            return Err(Usage::new("--env and --cwd belong to a server with a command, and this one has a URL"));
        }
        entry.insert("url".into(), url.into());
        if let Some(transport) = self.transport {
            let name = if transport == Transport::Sse { "sse" } else { "http" };
            entry.insert("transport".into(), name.into());
        }
        let header = |text: &String| {
            let (name, value) = text.split_once(':').filter(|(name, _)| !name.trim().is_empty()).ok_or_else(|| {
                Usage::new("--header: no `:` between a name and a value")
                    .hint("write -H 'Authorization: Bearer ${TOKEN}'")
            })?;
            Ok((Value::from(name.trim()), Value::from(value.trim())))
        };
        insert_pairs("headers", self.headers.iter().map(header), entry)
    }

    fn local(&self, folder: &Path, entry: &mut Mapping) -> Result<(), Usage> {
        let Some((program, args)) = self.command.split_first() else {
            let hint = format!("write `gateway server add {} -- npx -y PACKAGE`, or --url https://…", self.name);
            return Err(Usage::new("there is neither a command nor a URL").hint(hint));
        };
        if !self.headers.is_empty() || matches!(self.transport, Some(Transport::Http | Transport::Sse)) {
            return Err(Usage::new(
                "--header and --transport belong to a server with --url, and this one has a command",
            ));
        }
        let program = if program.contains('/') { seen_from(folder, Path::new(program))? } else { program.clone() };
        entry.insert("command".into(), program.into());
        // Without arguments the command would be split as a shell does it.
        entry.insert("args".into(), args.iter().map(|arg| Value::from(arg.as_str())).collect::<Vec<_>>().into());
        let variable = |text: &String| {
            let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
                Usage::new("--env: no `=` between a name and a value").hint("write -e NAME=VALUE, or -e NAME='${NAME}'")
            })?;
            Ok((Value::from(name), Value::from(value)))
        };
        insert_pairs("env", self.env.iter().map(variable), entry)?;
        if let Some(cwd) = &self.cwd {
            entry.insert("cwd".into(), seen_from(folder, cwd)?.into());
        }
        Ok(())
    }
}

fn insert_pairs(
    key: &str,
    pairs: impl Iterator<Item = Result<(Value, Value), Usage>>,
    entry: &mut Mapping,
) -> Result<(), Usage> {
    let pairs: Mapping = pairs.collect::<Result<_, _>>()?;
    if !pairs.is_empty() {
        entry.insert(key.into(), Value::Mapping(pairs));
    }
    Ok(())
}

/// `path`, which is meant from here, as it is written in a file of `folder`: relative where it lies below, so that both
/// can move together.
fn seen_from(folder: &Path, path: &Path) -> Result<String, Usage> {
    let text = path.to_string_lossy();
    // A variable or the user's folder is not from here.
    if text.starts_with(['$', '~']) {
        return Ok(text.into_owned());
    }
    let here = absolute(path).map_err(|error| Usage::new(format!("{text}: {error}")))?;
    let here: PathBuf = here.components().collect();
    Ok(match (path.is_relative(), here.strip_prefix(folder)) {
        (true, Ok(below)) if below.as_os_str().is_empty() => ".".to_owned(),
        (true, Ok(below)) => format!("./{}", below.display()),
        _ => here.to_string_lossy().into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        add: AddCommand,
    }

    fn entry(line: &str) -> Result<String, String> {
        let words = shell_words::split(&format!("add {line}")).unwrap();
        let mut add = Line::try_parse_from(words).map_err(|error| error.to_string())?.add;
        add.take_target();
        let entry = add.entry(&std::env::current_dir().unwrap()).map_err(|error| error.to_string())?;
        Ok(serde_json::to_string(&entry).unwrap())
    }

    #[test]
    fn the_shape_of_claude_mcp_add() {
        let files = r#"{"command":"npx","args":["-y","server","."]}"#;
        assert_eq!(entry("files -- npx -y server .").unwrap(), files);
        assert_eq!(entry("files npx server").unwrap(), r#"{"command":"npx","args":["server"]}"#);
        assert_eq!(entry("--transport stdio files -- npx -y server .").unwrap(), files);
        let env = r#"{"command":"x","args":[],"env":{"A":"1","B":"a=b"}}"#;
        assert_eq!(entry("s -e A=1 --env B=a=b -- x").unwrap(), env);
        assert_eq!(entry("-e A=1 -e B=a=b s -- x").unwrap(), env);
        let remote = r#"{"url":"https://a.example/mcp","transport":"http","headers":{"X":"a:b"}}"#;
        assert_eq!(entry("s --transport http https://a.example/mcp -H 'X: a:b'").unwrap(), remote);
        assert_eq!(entry("--transport http s https://a.example/mcp --header 'X: a:b'").unwrap(), remote);
        assert_eq!(entry("s --url https://a.example/mcp --transport http --header 'X: a:b'").unwrap(), remote);
        assert_eq!(entry("s https://a.example/mcp").unwrap(), r#"{"url":"https://a.example/mcp"}"#);
    }

    #[test]
    fn paths_are_seen_from_the_file() {
        assert_eq!(entry("s --cwd . -- x").unwrap(), r#"{"command":"x","args":[],"cwd":"."}"#);
        assert_eq!(entry("s --cwd ./a/b -- ./run.sh").unwrap(), r#"{"command":"./run.sh","args":[],"cwd":"./a/b"}"#);
        assert_eq!(entry("s --cwd /srv -- /bin/x").unwrap(), r#"{"command":"/bin/x","args":[],"cwd":"/srv"}"#);
        let far = seen_from(Path::new("/elsewhere"), Path::new("x")).unwrap();
        assert_eq!(Path::new(&far), std::env::current_dir().unwrap().join("x"));
        assert_eq!(seen_from(Path::new("/a"), Path::new("${HOME}/x")).unwrap(), "${HOME}/x");
    }

    #[test]
    fn wrong_lines() {
        for (line, message) in [
            ("s", "neither a command nor a URL"),
            ("s https://a.example/mcp -e A=1", "belong to a server with a command"),
            ("s npx -y server", "unexpected argument '-y'"),
            ("s -e A -- x", "no `=`"),
            ("s --url https://a.example -H X", "no `:`"),
            ("s -H 'X: y' -- x", "belong to a server with --url"),
            ("s --idle-timeout soon -- x", "is no duration"),
            ("s --url https://a.example -- x", "cannot be used with"),
            ("s --url https://a.example -e A=1", "cannot be used with"),
        ] {
            let error = entry(line).unwrap_err();
            assert!(error.contains(message), "{line}: {error}");
        }
    }
}
