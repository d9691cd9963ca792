//! `GET /metrics`: numbers for Prometheus, in its text format.
//!
//! Written by hand: the numbers are counted where calls are kept, each gateway its own, and are read here when somebody
//! asks; a library for metrics would count them once more, for the whole process. Labels have few values: sources, what
//! they are, and how calls end. What a role may not see is not counted for it.

use std::{
    fmt::{Display, Write as _},
    sync::Arc,
};

use axum::{
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
};
use gateway_core::source::{Kind, Source, SourceStatus, State};

use super::{
    access::{Asker, Need},
    answer::Refused,
    failures::Reading,
};
use crate::telemetry::{
    record::Recorder,
    stats::{BOUNDS, Ended, Stats},
};

/// What is said of the format.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Numbers for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "metrics",
    responses((status = OK, body = String, content_type = "text/plain"), Reading)
)]
pub(super) async fn metrics(asker: Asker) -> Result<Response, Refused> {
    asker.needs(Need::Status)?;
    let recorder = &asker.api.recorder;
    // Numbers of what is there no more would grow for ever.
    recorder.keep_only(|name| asker.api.control.gateway().source(name.as_str()).is_some());
    let sources: Vec<_> = asker.snapshot.sources().iter().filter(|source| asker.sees(source)).collect();
    let mut text = Text::default();
    whole(&mut text, &asker);
    calls(&mut text, &sources, recorder);
    states(&mut text, &sources);
    Ok(([(CONTENT_TYPE, FORMAT)], text.0).into_response())
}

/// What is counted of the gateway as a whole.
fn whole(text: &mut Text, asker: &Asker) {
    let (http, sse) = asker.api.front.present();
    let recorder = &asker.api.recorder;
    text.family("mcp_gateway_info", "gauge", "The version that runs.");
    text.line("mcp_gateway_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.one(
        "mcp_gateway_uptime_seconds",
        "gauge",
        "How long it has been running.",
        asker.api.started.elapsed().as_secs_f64(),
    );
    text.one("mcp_gateway_calls_in_flight", "gauge", "Calls that run.", recorder.in_flight());
    text.one(
        "mcp_gateway_unknown_total",
        "counter",
        "Calls of what is not there, or is hidden from the role.",
        recorder.unknown_count(),
    );
    text.family("mcp_gateway_sessions", "gauge", "Clients that are connected, by transport.");
    for (transport, count) in [("http", http.len()), ("sse", sse.len())] {
        text.line("mcp_gateway_sessions", &[("transport", transport)], count);
    }
    let tools = asker.snapshot.visible(asker.role, Kind::Tool).count();
    text.one("mcp_gateway_tools", "gauge", "Tools that are known.", tools);
}

fn calls(text: &mut Text, sources: &[&Arc<dyn Source>], recorder: &Recorder) {
    let counted: Vec<(&str, &'static str, Arc<Stats>)> = sources
        .iter()
        .filter_map(|source| Some((source.name().as_str(), source.status().kind, recorder.stats(source.name())?)))
        .collect();
    text.family("mcp_gateway_calls_total", "counter", "Calls that have ended, by source and outcome.");
    for (source, kind, stats) in &counted {
        for (ended, outcome) in Ended::ALL {
            let labels = [("source", *source), ("kind", kind), ("outcome", outcome)];
            text.line("mcp_gateway_calls_total", &labels, stats.counted(ended));
        }
    }
    let name = "mcp_gateway_call_duration_seconds";
    text.family(name, "histogram", "How long calls took, by source.");
    for (source, kind, stats) in &counted {
        let (counts, seconds) = stats.histogram();
        let labels = [("source", *source), ("kind", *kind)];
        for (at, count) in counts.iter().enumerate() {
            let bound = BOUNDS.get(at).map_or_else(|| "+Inf".to_owned(), f64::to_string);
            let [source, kind] = labels;
            text.line(&format!("{name}_bucket"), &[source, kind, ("le", &bound)], count);
        }
        text.line(&format!("{name}_sum"), &labels, seconds);
        text.line(&format!("{name}_count"), &labels, counts[BOUNDS.len()]);
    }
}

fn states(text: &mut Text, sources: &[&Arc<dyn Source>]) {
    let of = |kind: &str| -> Vec<(&str, SourceStatus)> {
        let all = sources.iter().map(|source| (source.name().as_str(), source.status()));
        all.filter(|(_, status)| status.kind == kind).collect()
    };
    let (servers, plugins) = (of("server"), of("plugin"));
    text.family("mcp_gateway_backend_up", "gauge", "Whether the server is connected.");
    for (name, status) in &servers {
        text.line("mcp_gateway_backend_up", &[("source", name)], u8::from(status.state == State::Running));
    }
    text.family("mcp_gateway_backend_failed", "gauge", "Whether its last start or connection failed.");
    for (name, status) in &servers {
        text.line("mcp_gateway_backend_failed", &[("source", name)], u8::from(status.state == State::Failed));
    }
    text.family("mcp_gateway_starts_total", "counter", "How often servers were started and plugins loaded.");
    for (name, status) in servers.iter().chain(&plugins) {
        text.line("mcp_gateway_starts_total", &[("source", name), ("kind", status.kind)], status.starts);
    }
    text.family("mcp_gateway_plugin_instances", "gauge", "Instances of plugins that work.");
    for (name, status) in &plugins {
        text.line("mcp_gateway_plugin_instances", &[("source", name)], status.calls);
    }
}

/// What Prometheus reads.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.line(name, &[], value);
    }

    /// Names of sources and the like need no escapes: they have none of the characters that would.
    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (at, (label, of)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"{of}\"", if at == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}
