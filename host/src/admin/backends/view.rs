//! How servers are shown.

use std::{collections::HashMap, fs, sync::Arc};

use gateway_core::{
    name::{Naming, SourceName},
    snapshot::Target,
    source::{Kind, Source, State},
};
use serde::Deserialize;
use url::Url;

use super::{Backend, BackendStatus, BackendTool, BackendTransport, Latency};
use crate::{
    admin::{
        access::Asker,
        logs::{milliseconds, written},
    },
    telemetry::{
        masked::{MASK, cut},
        stats::Ended,
    },
};

/// A server as the configuration has it, and what is known of it.
struct Facts {
    url: Option<String>,
    command: Option<String>,
    transport: Option<BackendTransport>,
    description: Option<String>,
    enabled: bool,
    error: Option<String>,
}

/// All servers that whoever asks may know of, in the configuration's order, or the one of that name.
pub(in crate::admin) async fn backends(asker: &Asker, only: Option<&str>) -> Vec<Backend> {
    let desired = asker.api.control.desired();
    let wanted = |name: &SourceName| only.is_none_or(|only| name.as_str() == only);
    let mut found: Vec<(SourceName, Facts)> = Vec::new();
    for (name, server) in desired.config.servers.iter().filter(|(name, _)| wanted(name)) {
        if !asker.may_know(name, &server.naming(name, desired.config.separator.as_str())) {
            continue;
        }
        // Without arguments, in which secrets may stand.
        let words = server.command.as_deref().map(|command| match server.args {
            None => shell_words::split(command).ok().and_then(|words| words.into_iter().next()).unwrap_or_default(),
            Some(_) => command.to_owned(),
        });
        let url = server.url.as_deref().and_then(|url| Url::parse(url).ok());
        let transport = match (&server.transport, &url) {
            (_, None) => BackendTransport::Stdio,
            (Some(transport), _) => transport_named(&format!("{transport:?}")),
            (None, Some(url)) => match url.path().trim_end_matches('/').ends_with("/sse") {
                true => BackendTransport::Sse,
                false => BackendTransport::Http,
            },
        };
        let (transport, description, enabled) = (Some(transport), server.description.clone(), server.enabled);
        let facts = Facts { url: url.map(plain), command: words, transport, description, enabled, error: None };
        found.push((name.clone(), facts));
    }
    for entry in desired.broken.iter().filter(|entry| entry.section == "servers" && wanted(&entry.name)) {
        if asker.could_see(&entry.name) {
            let (url, command, transport, description) = (None, None, None, None);
            let error = Some(entry.reason.clone());
            found.push((entry.name.clone(), Facts { url, command, transport, description, enabled: true, error }));
        }
    }
    let known = |name: &SourceName| asker.snapshot.sources().iter().find(|source| source.name() == name).cloned();
    let groups =
        found.iter().filter_map(|(name, _)| Some(known(name)?.vitals().processes)).flatten().collect::<Vec<_>>();
    let memory = tokio::task::spawn_blocking(move || memory(&groups)).await.unwrap_or_default();
    let view = |(name, facts): (SourceName, Facts)| {
        let source = known(&name);
        let registered = desired.is_registered(&name);
        Backend::of(&name, facts, source.as_ref(), registered, &memory, asker)
    };
    found.into_iter().map(view).collect()
}

fn transport_named(name: &str) -> BackendTransport {
    if name.eq_ignore_ascii_case("sse") { BackendTransport::Sse } else { BackendTransport::Http }
}

/// The address without what may be secret in it.
pub(in crate::admin) fn plain(mut url: Url) -> String {
    // An address that cannot have these has none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    if url.query().is_some() {
        let keys: Vec<String> = url.query_pairs().map(|(key, _)| key.into_owned()).collect();
        url.query_pairs_mut().clear().extend_pairs(keys.iter().map(|key| (key, MASK)));
    }
    url.to_string()
}

impl Backend {
    fn of(
        name: &SourceName,
        facts: Facts,
        source: Option<&Arc<dyn Source>>,
        registered: bool,
        memory: &HashMap<u32, u64>,
        asker: &Asker,
    ) -> Self {
        let status = source.map(|source| source.status_for(asker.snapshot.roles().get(asker.role)));
        let vitals = source.map(|source| source.vitals()).unwrap_or_default();
        let error = facts.error.or_else(|| status.as_ref()?.error.clone());
        let doing = match (&status, &error) {
            (Some(status), _) => BackendStatus::of(status.state),
            (None, Some(_)) => BackendStatus::Error,
            (None, None) => BackendStatus::Disconnected,
        };
        let memory_bytes = vitals.processes.iter().filter_map(|group| memory.get(group)).copied().reduce(|a, b| a + b);
        Self {
            name: name.to_string(),
            url: facts.url,
            command: facts.command,
            transport: facts.transport,
            enabled: facts.enabled,
            tools: source.map(|source| BackendTool::all(asker, source)).unwrap_or_default(),
            status: doing,
            latency_ms: vitals.seen.map(|(_, took)| milliseconds(took)),
            last_ping_at: vitals.seen.map(|(at, _)| written(at)),
            error: error.map(cut),
            description: facts.description,
            registered,
            starts: status.as_ref().map_or(0, |status| status.starts),
            calls: status.as_ref().map_or(0, |status| status.calls),
            memory_bytes,
            pid: vitals.processes.first().copied(),
            latency: Latency::of(name, asker),
        }
    }
}

impl BackendStatus {
    pub(in crate::admin) fn of(state: State) -> Self {
        match state {
            State::Starting => Self::Connecting,
            State::Running => Self::Connected,
            State::Failed => Self::Error,
            _ => Self::Disconnected,
        }
    }
}

impl BackendTool {
    /// Those of the source that whoever asks may use.
    pub(in crate::admin) fn all(asker: &Asker, source: &Arc<dyn Source>) -> Vec<Self> {
        #[derive(Deserialize)]
        struct Head {
            title: Option<String>,
            description: Option<String>,
        }
        let own = asker.snapshot.visible(asker.role, Kind::Tool).filter(|(_, of)| Arc::ptr_eq(of, source));
        let tool = own.filter_map(|(entry, _)| {
            let Target::Local(local) = &entry.target else { return None };
            let head = entry.definition().to::<Head>().unwrap_or(Head { title: None, description: None });
            let public_name = entry.public.to_string();
            Some(Self { name: local.to_string(), public_name, title: head.title, description: head.description })
        });
        tool.collect()
    }
}

impl Latency {
    pub(in crate::admin) fn of(name: &SourceName, asker: &Asker) -> Self {
        let Some(stats) = asker.api.recorder.stats(name) else { return Self::default() };
        let recent = stats.recent();
        let counts = Ended::ALL.map(|(ended, _)| stats.counted(ended));
        let [ok, tool_error, failed, cancelled] = counts;
        let part = |at: usize| recent.percentiles.map(|percentiles| percentiles[at]);
        Self {
            count: ok + tool_error + failed + cancelled,
            failed: tool_error + failed,
            p50_ms: part(0),
            p90_ms: part(1),
            p99_ms: part(2),
            recent_ms: recent.took,
        }
    }
}

impl Asker {
    /// Whether they may know of the server of that name, whether it is there at the moment or not.
    pub(in crate::admin) fn may_know(&self, name: &SourceName, naming: &Naming) -> bool {
        match self.snapshot.sources().iter().find(|source| source.name() == name) {
            Some(source) => self.sees(source),
            None => self.globs().decide_placeholder(name, naming).visible(),
        }
    }
}

/// The memory of these process groups, in bytes. Reads `/proc`, so that other systems tell nothing.
fn memory(groups: &[u32]) -> HashMap<u32, u64> {
    let mut memory = HashMap::new();
    let entries = match groups.is_empty() {
        true => return memory,
        false => fs::read_dir("/proc"),
    };
    for entry in entries.into_iter().flatten().flatten() {
        let path = entry.path();
        let Some((group, pages)) = fs::read_to_string(path.join("stat")).ok().as_deref().and_then(group_and_pages)
        else {
            continue;
        };
        if groups.contains(&group) {
            *memory.entry(group).or_default() += pages * page_size();
        }
    }
    memory
}

fn page_size() -> u64 {
    u64::try_from(rustix::param::page_size()).unwrap_or(4096)
}

/// The process group of a line of `/proc/PID/stat`, and how many pages the process has in memory.
fn group_and_pages(stat: &str) -> Option<(u32, u64)> {
    // After the name, which may have anything in it, parentheses too.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    Some((fields.get(2)?.parse().ok()?, fields.get(21)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_secrets() {
        for (url, shown) in [
            ("https://user:pass@example.com/mcp", "https://example.com/mcp"),
            ("https://example.com/mcp?api_key=abc&x=1#t", "https://example.com/mcp?api_key=***&x=***"),
            ("http://127.0.0.1:1/sse", "http://127.0.0.1:1/sse"),
        ] {
            assert_eq!(plain(Url::parse(url).unwrap()), shown);
        }
    }

    #[test]
    fn memory_is_that_of_a_group() {
        let fields = "S 1 17 17 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 100 2560000 123 18446744073709551615 1 1";
        assert_eq!(group_and_pages(&format!("99 (a b) c) {fields}")), Some((17, 123)));
        assert_eq!(group_and_pages("99"), None);
    }
}
