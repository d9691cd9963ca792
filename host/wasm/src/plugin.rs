//! A plugin as a source of tools, prompts and resources.

mod about;
mod checks;
mod failed;
mod kept;
mod loader;
mod requests;
mod runner;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use gateway_core::{
    call::Call,
    error::{CallError, Failure},
    filter::{Decision, Filter, Seen, Verdict},
    name::{Naming, SourceName},
    payload::{Json, Op, Reply, Request},
    source::{Abilities, Client, Events, Fut, Offer, Source, SourceStatus},
};

pub use self::about::About;
use self::{
    checks::Checks,
    loader::{Loader, Ready, Refreshed},
    runner::Runner,
};
use crate::{
    answer,
    config::{Instances, LimitsConfig, PluginConfig},
    engine::PluginEngine,
    exports::{filter, tool::CallTool},
    guest::Context,
    limits::Limits,
    observe::Measured,
    package::Package,
    permissions::Permissions,
    rehearsal::Rehearsal,
    storage::Storage,
};

/// What a plugin may use, and what it is told. The default grants nothing.
#[derive(Debug, Clone)]
pub struct PluginSettings {
    /// What it may use.
    pub permissions: Permissions,
    /// How much.
    pub limits: Limits,
    /// What it reads with `config`.
    pub config: Json,
    /// Whether every call has an instance of its own.
    pub instances: Instances,
    /// Whether the operations of its calls are counted even where they are not limited, for [`Plugin::measure`]. That
    /// slows it.
    pub counts_fuel: bool,
    /// What it sees of the world in place of the world, for tests.
    pub rehearsal: Option<Arc<Rehearsal>>,
    /// The folder where it keeps values from call to call; without one, it cannot.
    pub storage: Option<PathBuf>,
}

/// A WebAssembly component as a source of tools.
pub struct Plugin {
    context: Arc<Context>,
    naming: Naming,
    loader: Loader,
    runner: Runner,
    checks: Checks,
}

// === impl PluginSettings ===

impl PluginSettings {
    /// What `gateway.yaml` says. Paths in there are relative to `folder`.
    #[must_use]
    pub fn new(config: &PluginConfig, folder: &Path) -> Self {
        Self {
            permissions: Permissions::new(config, folder),
            limits: Limits::new(&config.limits),
            config: Json::from_value(&config.config),
            instances: config.instances,
            counts_fuel: false,
            rehearsal: None,
            storage: None,
        }
    }

    /// The same, with no limit above `caps`.
    #[must_use]
    pub fn capped(self, caps: &LimitsConfig) -> Self {
        Self { limits: self.limits.capped(caps), ..self }
    }
}

impl Default for PluginSettings {
    fn default() -> Self {
        Self {
            permissions: Permissions::default(),
            limits: Limits::default(),
            config: Json::from_value(&serde_json::Value::Null),
            instances: Instances::Fresh,
            counts_fuel: false,
            rehearsal: None,
            storage: None,
        }
    }
}

// === impl Plugin ===

impl Plugin {
    /// A plugin that is loaded when it is first asked for something.
    #[must_use]
    pub fn new(
        name: SourceName,
        naming: Naming,
        package: Arc<dyn Package>,
        settings: PluginSettings,
        engine: Arc<PluginEngine>,
        events: Events,
    ) -> Self {
        let PluginSettings { permissions, limits, config, instances, counts_fuel, rehearsal, storage } = settings;
        let counts_fuel = counts_fuel || limits.fuel.is_some();
        let storage = storage.map(|folder| Arc::new(Storage::new(&folder, &name, limits.storage)));
        let context = Arc::new(Context { name, permissions, limits, config, counts_fuel, rehearsal, storage });
        let loader = Loader::new(context.clone(), package, engine.clone(), events);
        let checks = Checks::new(engine.clone());
        Self { naming, loader, runner: Runner::new(context.clone(), engine, instances), checks, context }
    }

    /// Finds out what it offers: as it is remembered, which needs no engine, or by loading it.
    pub(crate) async fn list(&self) -> Result<(), Failure> {
        self.loader.list(&self.runner).await
    }

    async fn ready(&self, call: &Call) -> Result<Arc<Ready>, Failure> {
        match self.loader.if_ready() {
            Some(ready) => Ok(ready),
            // In a box, since it is large and rare.
            None => {
                let deadline = call.deadline.map(|deadline| call.clock().outside(deadline));
                Box::pin(self.loader.ready(&self.runner, deadline)).await
            }
        }
    }

    async fn run_tool(
        &self,
        request: Request,
        call: Arc<Call>,
        measured: Option<&mut Measured>,
    ) -> Result<Reply, CallError> {
        let ready = self.ready(&call).await?;
        let (definitions, name) = (ready.definitions.clone(), request.target);
        let unknown = |name: &str| CallError::UnknownTool(name.into());
        let check = move || {
            let tool = definitions.find(&name).ok_or_else(|| unknown(&name))?;
            Ok::<_, CallError>(CallTool { tool: tool.name.clone(), arguments: tool.check(request.arguments)? })
        };
        let work = self.checks.run(check).await??;
        let name = work.tool.clone();
        let done = match measured {
            Some(measured) => self.runner.measured_call(&ready.code, call, work, measured).await?,
            None => self.runner.call(&ready.code, call, work).await?,
        };
        let (definitions, context) = (ready.definitions.clone(), self.context.clone());
        let reply = move || {
            let tool = definitions.find(&name).ok_or_else(|| unknown(&name))?;
            answer::reply(&context, tool, done.output, done.denial.as_ref())
        };
        self.checks.run(reply).await?
    }
}

impl Plugin {
    /// What it offers as far as that is known, the same to all clients.
    #[must_use]
    pub fn offer(&self) -> Arc<Offer> {
        static UNKNOWN: OnceLock<Arc<Offer>> = OnceLock::new();
        self.loader.offer().unwrap_or_else(|| UNKNOWN.get_or_init(Arc::default).clone())
    }

    /// Calls a tool, and says what that took besides what it gave. Loading is not counted: [`Plugin::load`] does it
    /// before.
    ///
    /// # Errors
    /// As [`Source::call`].
    pub async fn measure(&self, request: Request, call: Arc<Call>) -> (Result<Reply, CallError>, Measured) {
        let mut measured = Measured::default();
        let reply = self.run_tool(request, call, Some(&mut measured)).await;
        (reply, measured)
    }

    /// Loads it, where it is not loaded yet: compiles it, or takes what was compiled before.
    ///
    /// # Errors
    /// Why it cannot be loaded.
    pub async fn load(&self) -> Result<(), CallError> {
        self.loader.ready(&self.runner, None).await?;
        Ok(())
    }

    /// Looks whether its package gives another component now, and has calls that begin later run on that; those that run
    /// end on the old one. A component that cannot be compiled, does not list its tools or is refused by its package
    /// changes nothing: the log and the status say why.
    pub async fn refresh(&self) {
        let name = self.context.name.as_str();
        match self.loader.refresh(&self.runner).await {
            Ok(Refreshed::Same) => {}
            Ok(Refreshed::Swapped) => tracing::info!(plugin = name, "the plugin has changed: its new version runs"),
            Err(failure) => tracing::warn!(plugin = name, "the plugin has changed, and is not replaced: {failure}"),
        }
    }

    /// Finds out what it offers.
    ///
    /// # Errors
    /// Why it cannot be loaded, or does not say.
    pub async fn learn(&self) -> Result<(), CallError> {
        Ok(self.list().await?)
    }
}

impl Source for Plugin {
    fn name(&self) -> &SourceName {
        &self.context.name
    }

    fn naming(&self) -> &Naming {
        &self.naming
    }

    fn offer(&self, _: &Abilities) -> Arc<Offer> {
        self.offer()
    }

    fn learn<'a>(&'a self, _: &'a Arc<dyn Client>) -> Fut<'a, Result<(), CallError>> {
        Box::pin(self.learn())
    }

    fn learns_at_once(&self) -> bool {
        true
    }

    fn call(&self, request: Request, call: Arc<Call>) -> Fut<'_, Result<Reply, CallError>> {
        match request.op {
            Op::CallTool => Box::pin(self.run_tool(request, call, None)),
            _ => Box::pin(self.run_other(request, call)),
        }
    }

    fn status(&self) -> SourceStatus {
        let (state, error) = self.loader.state();
        SourceStatus {
            kind: "plugin",
            state,
            starts: self.loader.loads(),
            calls: self.runner.guests(),
            tools: self.loader.offer().and_then(|offer| Some(offer.tools.as_ref()?.len())),
            error,
        }
    }

    fn stop(&self, grace: Duration) -> Fut<'_, ()> {
        Box::pin(async move {
            self.loader.unload();
            self.runner.stop(grace).await;
        })
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("context", &self.context).finish_non_exhaustive()
    }
}

impl Filter for Plugin {
    fn name(&self) -> &SourceName {
        &self.context.name
    }

    fn before<'a>(&'a self, seen: Seen, call: &'a Arc<Call>) -> Fut<'a, Result<Decision, CallError>> {
        Box::pin(async move {
            let ready = self.ready(call).await?;
            let done = self.runner.call(&ready.code, call.clone(), filter::Before(seen)).await?;
            Ok(filter::decision(&self.context.name, done.output)?)
        })
    }

    fn after<'a>(&'a self, seen: Seen, result: Json, call: &'a Arc<Call>) -> Fut<'a, Result<Verdict, CallError>> {
        Box::pin(async move {
            let ready = self.ready(call).await?;
            let done = self.runner.call(&ready.code, call.clone(), filter::After { seen, result }).await?;
            Ok(filter::verdict(&self.context.name, done.output)?)
        })
    }
}
