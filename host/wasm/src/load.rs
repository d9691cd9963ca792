//! From a component's bytes to code that instances are made from: out of the cache, or compiled.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use gateway_core::{
    error::{Failure, FailureKind},
    name::SourceName,
};
use wasmtime::{
    Engine,
    component::{Component, InstancePre},
};

use crate::{
    cache::{Cache, Digest, Facts},
    config::Manifest,
    engine::{Machine, PluginEngine, weight},
    exports::Exports,
    guest::{Context, Guest},
    inspect, merge,
    rewind::Origin,
};

/// A plugin's code, its imports filled.
pub(crate) struct Code {
    pub(crate) pre: InstancePre<Guest>,
    pub(crate) exports: Exports,
    pub(crate) machine: Arc<Machine>,
    /// What an instance takes of the engine's room.
    pub(crate) weight: u32,
    pub(crate) digest: Digest,
    /// What its calls have in common, with the permissions that hold for this component.
    pub(crate) context: Arc<Context>,
    /// What its instances are set back to, where they can be.
    pub(crate) origin: Option<Origin>,
    retired: AtomicBool,
}

impl Code {
    /// Other code has taken its place: no instance of it is kept any more.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Whether other code has taken its place.
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }
}

/// Loads a plugin. Blocks: for a fraction of a millisecond where it was compiled before, else about a second per MB.
pub(crate) fn code(
    engine: &PluginEngine,
    plugin: &Context,
    bytes: &[u8],
    digest: Digest,
) -> Result<Arc<Code>, Failure> {
    let machine = engine.machine(plugin.counts_fuel)?;
    let manifest = inspect::manifest(bytes).map_err(|error| error.failure(&plugin.name))?;
    let kept = engine.cache().and_then(|cache| cache.component(&machine.engine, digest));
    let component = match kept {
        Some(component) => component,
        None => compile(engine, machine, &plugin.name, bytes, digest)?,
    };
    let mut code = link(plugin, machine, &component, digest, manifest.as_ref())?;
    code.exports.find_functions(&plugin.name, &code.pre, bytes).map_err(|error| error.failure(&plugin.name))?;
    Ok(Arc::new(code))
}

/// Loads a plugin whose component is not at hand, where that is not needed: it was compiled before, and exports an
/// interface that is known without its text. Blocks for a fraction of a millisecond.
pub(crate) fn kept(engine: &PluginEngine, plugin: &Context, facts: &Facts) -> Option<Arc<Code>> {
    let machine = engine.machine(plugin.counts_fuel).ok()?;
    let component = engine.cache()?.component(&machine.engine, facts.digest)?;
    let code = link(plugin, machine, &component, facts.digest, facts.manifest.as_ref()).ok()?;
    Exports::is_complete(&code.pre).then(|| Arc::new(code))
}

fn link(
    plugin: &Context,
    machine: &Arc<Machine>,
    component: &Component,
    digest: Digest,
    manifest: Option<&Manifest>,
) -> Result<Code, Failure> {
    let linked = machine.linker.instantiate_pre(component).and_then(|pre| Ok((Exports::of(&pre)?, pre)));
    let (exports, pre) = linked.map_err(|error| {
        let cause = error.chain().last().map_or_else(|| error.to_string(), ToString::to_string);
        let message = format!("plugin {:?}: this gateway cannot run it: {cause}", plugin.name);
        Failure::new(FailureKind::Broken, message).hint("look at what it imports with `gateway plugin inspect`")
    })?;
    let (machine, weight, context) = (machine.clone(), weight(component), Arc::new(plugin.of_component(manifest)));
    let origin = Origin::of(component);
    Ok(Code { pre, exports, machine, weight, digest, context, origin, retired: AtomicBool::new(false) })
}

fn compile(
    engine: &PluginEngine,
    machine: &Machine,
    plugin: &SourceName,
    bytes: &[u8],
    digest: Digest,
) -> Result<Component, Failure> {
    // What is no plugin is refused with better words than a compiler has, and before it takes its time.
    inspect::component(bytes).map_err(|error| error.failure(plugin))?;
    let _turn = engine.cache().and_then(|cache| cache.lock(digest));
    if let Some(component) = engine.cache().and_then(|cache| cache.component(&machine.engine, digest)) {
        return Ok(component);
    }
    let started = Instant::now();
    tracing::info!(plugin = plugin.as_str(), bytes = bytes.len(), "compiling the plugin");
    if let Some(observer) = engine.observer() {
        observer.compiling(plugin, bytes.len());
    }
    let broken = |error: wasmtime::Error| {
        Failure::new(FailureKind::Broken, format!("plugin {plugin:?}: it cannot be compiled: {error:#}"))
    };
    let kept = match engine.cache() {
        Some(cache) => compile_and_keep(cache, machine, plugin, bytes, digest).map_err(broken)?,
        None => None,
    };
    let component = match kept {
        Some(component) => component,
        None => {
            let compile = |engine: &Engine| merged_or_not(plugin, bytes, |bytes| Component::new(engine, bytes));
            machine.compile(compile).map_err(broken)?
        }
    };
    let took = started.elapsed();
    tracing::info!(plugin = plugin.as_str(), milliseconds = took.as_millis(), "compiled the plugin");
    if let Some(observer) = engine.observer() {
        observer.compiled(plugin, took);
    }
    Ok(component)
}

/// Compiles it and loads it from where it is kept: its code is then mapped, and shared between processes. `None` where it
/// cannot be kept.
fn compile_and_keep(
    cache: &Cache,
    machine: &Machine,
    plugin: &SourceName,
    bytes: &[u8],
    digest: Digest,
) -> wasmtime::Result<Option<Component>> {
    let warn = |error: &io::Error| {
        tracing::warn!("the compiled plugin cannot be kept, and will be compiled again next time: {error}");
    };
    if cache.check_writable().inspect_err(warn).is_err() {
        return Ok(None);
    }
    let compile = |compiler: &Engine| merged_or_not(plugin, bytes, |bytes| compiler.precompile_component(bytes));
    let code = machine.precompile(compile)?;
    Ok(cache.keep_component(&machine.engine, digest, &code).inspect_err(warn).ok())
}

/// Compiles the component with its linked modules merged, or as it is: where it has none, or is better compiled so.
fn merged_or_not<T>(
    plugin: &SourceName,
    bytes: &[u8],
    compile: impl Fn(&[u8]) -> wasmtime::Result<T>,
) -> wasmtime::Result<T> {
    let merged = match merge::merged(bytes) {
        Ok(merged) => compile(&merged).map_err(|error| format!("{error:#}")),
        Err(merge::Unfit::Nothing) => return compile(bytes),
        Err(unfit) => Err(unfit.to_string()),
    };
    merged.or_else(|cause| {
        tracing::debug!(plugin = plugin.as_str(), cause, "its modules stay apart");
        compile(bytes)
    })
}
