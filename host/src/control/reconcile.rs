//! What has to be made anew when the configuration changes, and what stays. Pure.

use std::{collections::HashMap, time::Duration};

use gateway_core::name::SourceName;
use gateway_wasm::config::LimitsConfig;

use crate::{
    config::{Config, Plugin, Separator, SignerConfig},
    sources::{pipeline::config::PipelineConfig, upstream::config::ServerConfig},
};

/// All that a source is made from. Two that are equal need not be told apart: the one that runs stays.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// The gateway's own tools.
    Own {
        /// With those that register and remove servers.
        management: bool,
    },
    /// An external server.
    Server {
        /// Its settings.
        config: Box<ServerConfig>,
        /// The gateway's, as far as they are its own.
        separator: Separator,
        /// How long it runs without being used.
        idle_timeout: Option<Duration>,
        /// How long one request may take.
        request_timeout: Duration,
        /// It was registered by a request, and may lead to public addresses alone.
        only_public: bool,
    },
    /// A plugin.
    Plugin {
        /// Its settings.
        config: Box<Plugin>,
        /// What stands between its name and its tools'.
        separator: Separator,
        /// The most that it may use.
        caps: Box<LimitsConfig>,
        /// Whose signatures count.
        signers: Vec<(String, SignerConfig)>,
    },
    /// The pipelines, which are one source.
    Pipelines {
        /// Their settings.
        pipelines: Vec<(SourceName, PipelineConfig)>,
        /// What stands between `pipeline` and their names.
        separator: Separator,
    },
}

/// What a source comes from: what is there, by its place, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The one of that place stays.
    Keep(usize),
    /// One is made; there was another of its name at that place, or none.
    Make(Option<usize>),
}

/// All that `config` wants, in the order in which it is listed. `only_public`: whether the server of that name may lead
/// to public addresses alone.
pub fn wanted(config: &Config, only_public: impl Fn(&SourceName) -> bool) -> Vec<(SourceName, Wanted)> {
    let own = (SourceName::gateway(), Wanted::Own { management: config.management });
    let servers = config.servers.iter().filter(|(_, server)| server.enabled).map(|(name, server)| {
        let wanted = Wanted::Server {
            config: Box::new(server.clone()),
            separator: config.separator,
            idle_timeout: config.idle_timeout_of(server),
            request_timeout: config.request_timeout_of(server),
            only_public: only_public(name),
        };
        (name.clone(), wanted)
    });
    let signers: Vec<_> = config.signers.iter().map(|(name, signer)| (name.clone(), signer.clone())).collect();
    let plugins = config.plugins.iter().filter(|(_, plugin)| plugin.enabled).map(|(name, plugin)| {
        let wanted = Wanted::Plugin {
            config: Box::new(plugin.clone()),
            separator: config.separator,
            caps: Box::new(config.plugin_limits.clone()),
            signers: signers.clone(),
        };
        (name.clone(), wanted)
    });
    let pipelines: Vec<_> = config.pipelines.iter().map(|(name, pipeline)| (name.clone(), pipeline.clone())).collect();
    let pipelines = (!pipelines.is_empty())
        .then(|| (SourceName::pipelines(), Wanted::Pipelines { pipelines, separator: config.separator }));
    std::iter::once(own).chain(servers).chain(plugins).chain(pipelines).collect()
}

/// How to come from `before` to `wanted`. What is in the first and not in the second goes.
pub fn reconcile<'a>(
    before: impl Iterator<Item = (&'a SourceName, &'a Wanted)>,
    wanted: &[(SourceName, Wanted)],
) -> Vec<Step> {
    let before: HashMap<_, _> = before.enumerate().map(|(at, (name, wanted))| (name, (at, wanted))).collect();
    let step = |(name, wanted): &(SourceName, Wanted)| match before.get(name) {
        Some((at, before)) if *before == wanted => Step::Keep(*at),
        other => Step::Make(other.map(|(at, _)| *at)),
    };
    wanted.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        let loaded = Config::parse(text, "/srv/gateway.yaml".as_ref(), &|_| None).unwrap();
        loaded.config
    }

    fn steps(before: &str, after: &str) -> Vec<Step> {
        let (before, after) = (wanted(&config(before), |_| false), wanted(&config(after), |_| false));
        reconcile(before.iter().map(|(name, wanted)| (name, wanted)), &after)
    }

    const TWO: &str = "servers: { a: { command: x }, b: { command: y } }";

    #[test]
    fn what_is_the_same_stays_wherever_it_stands() {
        use Step::{Keep, Make};
        let cases: [(&str, &[Step]); 8] = [
            (TWO, &[Keep(0), Keep(1), Keep(2)]),
            ("servers: { b: { command: y }, a: { command: x } }", &[Keep(0), Keep(2), Keep(1)]),
            ("servers: { a: { command: x }, b: { command: z } }", &[Keep(0), Keep(1), Make(Some(2))]),
            ("servers: { a: { command: x }, b: { command: y, env: { K: v } } }", &[Keep(0), Keep(1), Make(Some(2))]),
            ("servers: { b: { command: y } }", &[Keep(0), Keep(2)]),
            ("servers: { c: { command: x } }", &[Keep(0), Make(None)]),
            ("idle_timeout: 5\nservers: { a: { command: x } }", &[Keep(0), Make(Some(1))]),
            ("management: true\nservers: { a: { command: x } }", &[Make(Some(0)), Keep(1)]),
        ];
        for (after, expected) in cases {
            assert_eq!(steps(TWO, after), expected, "{after}");
        }
    }

    #[test]
    fn what_is_about_others_changes_nothing() {
        let more = format!("log_level: debug\nport: 1\nroles: {{ r: null }}\ndefault_role: r\n{TWO}");
        assert_eq!(steps(TWO, &more), [Step::Keep(0), Step::Keep(1), Step::Keep(2)]);
    }
}
