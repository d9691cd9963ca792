//! `gateway plugin bench`: what loading and calling a plugin costs.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::join_all;
use gateway_core::{
    error::CallError,
    name::{Naming, SourceName},
    payload::{Json, Request},
    source::Events,
};
use gateway_wasm::{EngineOptions, Plugin, PluginConfig, PluginEngine, PluginSettings, WasmFile, config::Manifest};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::Value;

use super::{
    broken, found,
    test::{self, Script},
    with_hint,
};
use crate::{
    cli::{Global, Usage, output, progress::Progress},
    folders::Folders,
};

/// Calls one after the other, before anything is measured and while it is.
const WARM_UP: usize = 50;
/// Loads from the cache; the quickest counts.
const LOADS: usize = 5;
/// A file that was written more recently is read again each time, since it could change unseen.
const SETTLED: Duration = Duration::from_millis(2100);
/// Calls at the same time, where throughput is measured.
const AT_ONCE: usize = 16;

/// Measure what loading and calling a plugin costs
#[derive(Debug, clap::Args)]
pub struct BenchCommand {
    /// A plugin's folder, a plugin of the configuration, or what `plugin inspect` takes
    #[arg(value_name = "DIR|NAME|REF", default_value = ".")]
    plugin: String,
    /// The plugin's own name of the tool to call [default: that of the first case of plugin.test.yaml]
    #[arg(long)]
    tool: Option<String>,
    /// Its arguments, a JSON object [default: those of that case, else none]
    #[arg(long, value_name = "JSON", requires = "tool")]
    args: Option<String>,
    /// How many calls are measured, one after the other and again at the same time
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..))]
    calls: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was measured. Times in microseconds, unless their name says otherwise.
#[derive(Debug, Serialize)]
struct Report {
    plugin: String,
    size_bytes: usize,
    /// Compiling the component and having it list its tools.
    compile_ms: f64,
    /// The same, where it was compiled before.
    cached_load_us: f64,
    tool: String,
    calls: u32,
    /// From the call to its result, half of the calls are quicker.
    call_p50_us: f64,
    call_p99_us: f64,
    /// Of that, making the instance, or having one that was set back.
    instance_p50_us: f64,
    /// Calls for which a new one was made.
    new_instances: usize,
    /// Time of a processor for a call, all of the program's threads together.
    call_cpu_us: f64,
    /// The most memory that a call took.
    memory_bytes: u64,
    /// Calls in a second, sixteen at the same time, begun by one thread.
    calls_per_second: f64,
    /// Calls that failed: what failing costs is something else.
    failed: usize,
}

/// What is called.
struct Subject {
    name: SourceName,
    bytes: Bytes,
    settings: PluginSettings,
    folder: Option<PathBuf>,
}

/// One call, again and again.
struct Repeated {
    tool: Arc<str>,
    arguments: Option<Json>,
    script: Script,
}

impl BenchCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// Why nothing could be measured.
    pub async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (folders, progress) = (Folders::discover()?, Arc::new(Progress::idle()));
        let subject = self.subject(global, &folders, &progress).await?;
        let repeated = self.repeated(&subject)?;
        progress.say("compiling, into a folder of its own");
        let place = tempfile::tempdir()?;
        std::fs::write(file(place.path()), &subject.bytes)?;
        let written = tokio::time::Instant::now();
        let (compile, plugin) = load(&subject, place.path()).await?;
        progress.say("loading what was compiled");
        tokio::time::sleep_until(written + SETTLED).await;
        let mut cached = Duration::MAX;
        for _ in 0..LOADS {
            cached = cached.min(load(&subject, place.path()).await?.0);
        }
        progress.say(&format!("calling {}", repeated.tool));
        let mut report = measure(&plugin, &repeated, self.calls).await?;
        progress.finish();
        report.plugin = subject.name.to_string();
        report.size_bytes = subject.bytes.len();
        report.compile_ms = compile.as_secs_f64() * 1e3;
        report.cached_load_us = micros(cached);
        match self.json {
            true => output::print_json(&report)?,
            false => output::print(&report.text())?,
        }
        Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    /// The plugin in that folder, else the one of that name in the configuration, or what the reference leads to.
    async fn subject(&self, global: &Global, folders: &Folders, progress: &Arc<Progress>) -> anyhow::Result<Subject> {
        let folder = PathBuf::from(&self.plugin);
        if !folder.is_dir() {
            let found = found::find(&self.plugin, global, folders, progress).await?;
            let config = found.config.unwrap_or_else(|| PluginConfig::from_source(""));
            let settings = PluginSettings::new(&config, Path::new("")).capped(&found.caps);
            return Ok(Subject { name: found.name, bytes: found.bytes, settings, folder: None });
        }
        let engine = super::examine::engine(folders, progress);
        let (name, bytes, manifest) = test::built(&folder, folders, &engine, progress, global.quiet).await?;
        let Manifest { limits, .. } = manifest;
        let settings = PluginSettings::new(&PluginConfig { limits, ..PluginConfig::from_source("") }, Path::new(""));
        Ok(Subject { name, bytes, settings, folder: Some(folder) })
    }

    fn repeated(&self, subject: &Subject) -> anyhow::Result<Repeated> {
        let script = match &subject.folder {
            Some(folder) => Script::in_folder(folder).unwrap_or_default(),
            None => Script::default(),
        };
        if let Some(tool) = &self.tool {
            let arguments = self.args.clone().map(Json::parse).transpose();
            let arguments = arguments.map_err(|error| Usage::new(format!("--args: no valid JSON: {error}")))?;
            return Ok(Repeated { tool: tool.as_str().into(), arguments, script });
        }
        let case = script.cases.iter().find_map(|case| {
            Some((case.tool.as_deref()?.into(), case.arguments.as_ref().map(Json::from_value::<Value>)))
        });
        match case {
            Some((tool, arguments)) => Ok(Repeated { tool, arguments, script }),
            None => {
                Err(Usage::new("no tool to call").hint("name one with --tool, and its arguments with --args").into())
            }
        }
    }
}

/// The component, in the folder where it is measured.
fn file(place: &Path) -> PathBuf {
    place.join("plugin.wasm")
}

/// Loads the plugin as a gateway that has just started does.
async fn load(subject: &Subject, place: &Path) -> anyhow::Result<(Duration, Plugin)> {
    let options = EngineOptions { cache_dir: Some(place.join("cache")), ..EngineOptions::default() };
    let engine = Arc::new(PluginEngine::new(options));
    // The engine itself is the same for all plugins, and is made once.
    engine.start().map_err(|failure| broken(&failure))?;
    let (events, _told) = Events::channel();
    let (name, naming) = (subject.name.clone(), Naming::canonical(&subject.name));
    let package = Arc::new(WasmFile(file(place)));
    let plugin = Plugin::new(name, naming, package, subject.settings.clone(), engine, events);
    let started = Instant::now();
    plugin.load().await.map_err(|error| match error {
        CallError::Failed(failure) => broken(&failure),
        other => other.into(),
    })?;
    Ok((started.elapsed(), plugin))
}

/// Calls the tool, one call after the other and then many at the same time.
async fn measure(plugin: &Plugin, repeated: &Repeated, calls: u32) -> anyhow::Result<Report> {
    let mut first = None;
    for _ in 0..WARM_UP {
        let (reply, _) = repeated.call(plugin).await?;
        first.get_or_insert(reply);
    }
    if let Some(Err(error)) = first {
        return Err(with_hint(error.into(), Some("choose a call that goes well with --tool and --args".to_owned())));
    }
    let (mut times, mut instances, mut new_instances, mut memory, mut failed) = (Vec::new(), Vec::new(), 0, 0, 0);
    let cpu = processor_time();
    for _ in 0..calls {
        let (reply, measured) = repeated.call(plugin).await?;
        failed += usize::from(reply.is_err());
        times.push(measured.time);
        instances.push(measured.instance);
        new_instances += usize::from(measured.is_new);
        memory = memory.max(measured.memory);
    }
    let cpu = processor_time().saturating_sub(cpu);
    let begun = Instant::now();
    let share = (calls as usize).div_ceil(AT_ONCE);
    let together = join_all((0..AT_ONCE).map(|_| async {
        for _ in 0..share {
            drop(repeated.call(plugin).await?);
        }
        anyhow::Ok(())
    }));
    together.await.into_iter().collect::<anyhow::Result<()>>()?;
    let took = begun.elapsed();
    Ok(Report {
        plugin: String::new(),
        size_bytes: 0,
        compile_ms: 0.0,
        cached_load_us: 0.0,
        tool: repeated.tool.to_string(),
        calls,
        call_p50_us: at(&mut times, 50),
        call_p99_us: at(&mut times, 99),
        instance_p50_us: at(&mut instances, 50),
        new_instances,
        call_cpu_us: micros(cpu) / f64::from(calls),
        memory_bytes: memory,
        calls_per_second: (share * AT_ONCE) as f64 / took.as_secs_f64(),
        failed,
    })
}

impl Repeated {
    async fn call(&self, plugin: &Plugin) -> anyhow::Result<(Result<(), CallError>, gateway_wasm::observe::Measured)> {
        let call = test::call(&self.script)?;
        let (reply, measured) = plugin.measure(Request::new(self.tool.clone(), self.arguments.clone()), call).await;
        Ok((reply.map(drop), measured))
    }
}

/// What all threads of this program took of the processors so far.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or_default(), time.tv_nsec.try_into().unwrap_or_default())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// So many of a hundred are quicker.
fn at(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).map_or(0.0, |time| micros(*time))
}

impl Report {
    fn text(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "{}  {}", self.plugin, super::text::size(self.size_bytes));
        let _ = writeln!(text, "  compile      {:>10.1} ms, once", self.compile_ms);
        let _ = writeln!(text, "  load         {:>10.0} us, compiled before", self.cached_load_us);
        let _ = writeln!(text, "  {} ({} calls)", self.tool, self.calls);
        let _ = writeln!(text, "  call         {:>10.1} us p50, {:.1} us p99", self.call_p50_us, self.call_p99_us);
        let _ = writeln!(
            text,
            "    instance   {:>10.1} us of that; {} of them were new",
            self.instance_p50_us, self.new_instances
        );
        let _ = writeln!(text, "    processor  {:>10.1} us", self.call_cpu_us);
        let _ = writeln!(text, "    memory     {:>10} KiB", self.memory_bytes.div_ceil(1024));
        let _ = writeln!(text, "  throughput   {:>10.0} calls/s, {AT_ONCE} at the same time", self.calls_per_second);
        if self.failed > 0 {
            let _ = writeln!(text, "  {} calls failed", self.failed);
        }
        text
    }
}
