//! One instance: what its store holds, how it is made, what its end means.

use std::{
    num::NonZeroU64,
    sync::Arc,
    time::{Duration, Instant},
};

use gateway_core::{
    call::Call,
    error::{Failure, FailureKind},
    name::SourceName,
    payload::Json,
};
use tokio::runtime::Handle;
use wasmtime::{
    Store,
    component::{Instance, ResourceTable},
};
use wasmtime_wasi::{
    FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
    filesystem::Descriptor,
    p2::{DynInputStream, DynOutputStream, DynPollable},
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{
    config::Manifest,
    control::{Control, Spent},
    engine::Machine,
    exports::Work,
    files::Writing,
    host::Reports,
    http::Sender,
    limits::{Limits, Meter},
    load::Code,
    output::{Output, Which},
    permissions::Permissions,
    rehearsal::Rehearsal,
    rewind::Tracked,
    storage::Storage,
    trap,
};

/// Files, streams, requests and the like that a call may hold open at once: each may be a file of this process, which
/// has not many.
pub(crate) const HANDLES: usize = 256;

/// Those that an instance may hold between two calls.
const KEPT_HANDLES: usize = 32;

/// Random bytes in one go: they are made in the host's memory.
const RANDOM_BYTES: u64 = 1024 * 1024;

/// What every call of one plugin has in common.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) name: SourceName,
    pub(crate) permissions: Permissions,
    pub(crate) limits: Limits,
    pub(crate) config: Json,
    /// Whether the operations of its calls are counted, with or without a limit.
    pub(crate) counts_fuel: bool,
    /// What they see in place of the world, in tests of the plugin.
    pub(crate) rehearsal: Option<Arc<Rehearsal>>,
    /// Where values are kept from call to call.
    pub(crate) storage: Option<Arc<Storage>>,
}

/// What the store of an instance holds.
pub(crate) struct Guest {
    pub(crate) context: Arc<Context>,
    pub(crate) control: Arc<Control>,
    /// The call that it works on; none while it lists its tools.
    pub(crate) call: Option<Arc<Call>>,
    /// The runtime of the caller, where connections and nested calls belong.
    pub(crate) home: Handle,
    pub(crate) reports: Reports,
    pub(crate) meter: Meter,
    pub(crate) output: Arc<Output>,
    pub(crate) writing: Arc<Writing>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    sender: Sender,
    table: ResourceTable,
}

/// An instance and its store.
pub(crate) struct Live {
    pub(crate) store: Store<Guest>,
    pub(crate) instance: Instance,
    pub(crate) code: Arc<Code>,
    /// What is known of it, once it was set back.
    pub(crate) tracked: Option<Tracked>,
}

/// An instance that was called before.
pub(crate) enum Kept {
    /// With what it remembers.
    Warm(Live),
    /// As it was at first.
    SetBack(Live),
}

/// A guest that is about to be made.
pub(crate) struct Birth {
    pub(crate) context: Arc<Context>,
    pub(crate) control: Arc<Control>,
    pub(crate) call: Option<Arc<Call>>,
    pub(crate) home: Handle,
    pub(crate) sender: Sender,
}

impl Birth {
    fn guest(self) -> Result<Guest, Failure> {
        let output = Output::new(self.context.name.clone());
        let wasi = wasi(&self.context, &output)?;
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Ok(Guest {
            reports: Reports::default(),
            meter: Meter::new(self.context.limits.memory),
            writing: Arc::new(Writing::new(self.context.clone(), self.control.clone())),
            context: self.context,
            control: self.control,
            call: self.call,
            home: self.home,
            output,
            wasi,
            http: WasiHttpCtx::new(),
            sender: self.sender,
            table,
        })
    }

    /// An empty store under the plugin's limits.
    fn store(self, machine: &Machine) -> Result<Store<Guest>, Failure> {
        let mut store = Store::new(&machine.engine, self.guest()?);
        store.limiter(|guest| &mut guest.meter);
        // What is the call's own is looked for in the store each time: an instance may see several calls.
        store.epoch_deadline_callback(|store| Ok(store.data().control.tick()));
        begin(&mut store, machine);
        Ok(store)
    }

    /// Does `work` in `kept`, an instance that other calls have used, or in one that it makes. It comes back with what
    /// the work gave.
    pub(crate) async fn run<W: Work>(
        self,
        code: Arc<Code>,
        kept: Option<Kept>,
        work: W,
    ) -> Result<(W::Output, Live), Failure> {
        let begun = Instant::now();
        let is_new = kept.is_none();
        let mut live = match kept {
            Some(Kept::Warm(live)) => self.renew(live),
            Some(Kept::SetBack(live)) => self.replace(live)?,
            None => self.make(code).await?,
        };
        let made = begun.elapsed();
        let done = work.run(&mut live).await;
        live.store.data().control.note_spent(Spent { is_new, ..live.spent(made) });
        match done {
            Ok(output) => Ok((output, live)),
            Err(error) => Err(trap::failure(&error, live.store.data())),
        }
    }

    async fn make(self, code: Arc<Code>) -> Result<Live, Failure> {
        let mut store = self.store(&code.machine)?;
        match code.pre.instantiate_async(&mut store).await {
            Ok(instance) => Ok(Live { store, instance, code, tracked: None }),
            Err(error) => Err(trap::failure(&error, store.data())),
        }
    }

    /// Hands an instance over to this call: whatever belonged to the last one is replaced. What it was granted of the
    /// system, and what it holds of that, stays.
    fn renew(self, mut live: Live) -> Live {
        let guest = live.store.data_mut();
        guest.writing = Arc::new(Writing::new(self.context, self.control.clone()));
        guest.control = self.control;
        guest.call = self.call;
        guest.home = self.home;
        guest.reports = Reports::default();
        guest.meter.begin();
        guest.output.begin();
        guest.http = WasiHttpCtx::new();
        guest.sender = self.sender;
        begin(&mut live.store, &live.code.machine);
        live
    }

    /// Hands an instance that was set back over to this call: nothing of the last one is left.
    fn replace(self, mut live: Live) -> Result<Live, Failure> {
        let mut guest = self.guest()?;
        let last = live.store.data_mut();
        std::mem::swap(&mut guest.meter, &mut last.meter);
        guest.meter.begin();
        *last = guest;
        begin(&mut live.store, &live.code.machine);
        Ok(live)
    }
}

/// Gives a call its first slice of time, its fuel, and how much may be copied out of it.
fn begin(store: &mut Store<Guest>, machine: &Machine) {
    store.set_epoch_deadline(1);
    store.set_hostcall_fuel(store.data().context.limits.hostcall_bytes());
    if machine.counts_fuel {
        let fuel = store.data().context.limits.fuel.map_or(u64::MAX, NonZeroU64::get);
        // It fails where operations are not counted alone.
        let _ = store.set_fuel(fuel);
    }
}

impl Live {
    /// Another instance of the same component, granted nothing.
    pub(crate) async fn again(&mut self) -> Result<Self, wasmtime::Error> {
        let guest = self.store.data();
        let birth = Birth {
            context: Arc::new(guest.context.without_permissions()),
            control: guest.control.clone(),
            call: None,
            home: guest.home.clone(),
            sender: guest.sender.again(),
        };
        birth.make(self.code.clone()).await.map_err(|failure| wasmtime::format_err!("{failure}"))
    }

    /// Whether it may be set back for another call: the guest was not ended, and does not fill its memory.
    pub(crate) fn may_be_set_back(&self) -> bool {
        let guest = self.store.data();
        !guest.control.is_cancelled() && !guest.meter.refused() && !guest.meter.is_stout()
    }

    /// What the call took so far, the making of its instance having taken `made`.
    fn spent(&self, made: Duration) -> Spent {
        let guest = self.store.data();
        let limit = guest.context.limits.fuel.map_or(u64::MAX, NonZeroU64::get);
        let left = self.code.machine.counts_fuel.then(|| self.store.get_fuel().ok()).flatten();
        let fuel = left.map(|left| limit.saturating_sub(left));
        Spent { fuel, memory: guest.meter.used() as u64, made, is_new: true }
    }

    /// Whether another call may have it: nothing went wrong, and nothing of the last call is left that could grow from
    /// call to call. Folders and standard streams, which run-time libraries keep open, may stay.
    pub(crate) fn is_reusable(&mut self) -> bool {
        let guest = self.store.data_mut();
        let went_well = !guest.control.is_cancelled() && guest.control.denial().is_none();
        went_well && !guest.meter.refused() && !guest.meter.is_stout() && is_tidy(&mut guest.table)
    }
}

/// Whether nothing but folders and streams is open, and few of them.
fn is_tidy(table: &mut ResourceTable) -> bool {
    let mut open = 0;
    let harmless = table.iter_mut().all(|entry| {
        open += 1;
        let folder = matches!(entry.downcast_ref(), Some(Descriptor::Dir(_)));
        folder || entry.is::<DynOutputStream>() || entry.is::<DynInputStream>() || entry.is::<DynPollable>()
    });
    harmless && open <= KEPT_HANDLES
}

impl Guest {
    /// Whether there is or was any handle: their numbers tell the next call of the last one.
    pub(crate) fn had_handles(&mut self) -> bool {
        // A table that had an entry has room for another one where it may not grow.
        self.table.set_max_capacity(0);
        self.table.iter_mut().next().is_some() || self.table.push(()).is_ok()
    }
}

impl Context {
    /// The same plugin, granted nothing: how its tools are listed.
    pub(crate) fn without_permissions(&self) -> Self {
        Self { permissions: Permissions::default(), ..self.clone() }
    }

    /// The same plugin, with the permissions that hold for this component: those that it asks for. What was granted
    /// beyond that is told, since it may be a mistake.
    pub(crate) fn of_component(&self, manifest: Option<&Manifest>) -> Self {
        let unasked = manifest.map(|manifest| self.permissions.unasked(manifest)).unwrap_or_default();
        if !unasked.is_empty() {
            let (plugin, unasked) = (self.name.as_str(), unasked.join(", "));
            tracing::warn!(plugin, "granted without effect, since the plugin does not ask for it: {unasked}");
        }
        let permissions = Permissions::effective(&self.permissions, manifest);
        Self { permissions, ..self.clone() }
    }

    /// What a call that took until its deadline, `deadline`, is told.
    pub(crate) fn late(&self, started: Instant, deadline: Instant) -> Failure {
        let name = &self.name;
        if deadline >= started + self.limits.time {
            let time = crate::limits::spoken_time(self.limits.time);
            return Failure::new(FailureKind::Timeout, format!("plugin {name:?}: time limit of {time} reached"))
                .hint(format!("raise plugins.{name}.limits.time"));
        }
        let time = crate::limits::spoken_time(deadline.saturating_duration_since(started));
        Failure::new(FailureKind::Timeout, format!("plugin {name:?}: the caller's time limit of {time} reached"))
    }
}

/// What the plugin was granted of the system: folders and variables. Sockets never; HTTP goes another way.
fn wasi(context: &Context, output: &Arc<Output>) -> Result<WasiCtx, Failure> {
    let mut builder = WasiCtxBuilder::new();
    builder.stdout(output.writer(Which::Stdout)).stderr(output.writer(Which::Stderr));
    builder.max_random_size(RANDOM_BYTES);
    if let Some(rehearsal) = &context.rehearsal {
        rehearsal.set(&mut builder);
    }
    for (key, value) in &context.permissions.env {
        builder.env(key, value);
    }
    for grant in &context.permissions.files {
        let permissions = if grant.write { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
        builder.preopened_dir(&grant.path, &grant.mount, permissions).map_err(|error| {
            let (name, path) = (&context.name, grant.path.display());
            Failure::new(
                FailureKind::Unavailable,
                format!("plugin {name:?}: the folder {path} cannot be opened: {error}"),
            )
            .hint(format!("make it, or mend plugins.{name}.permissions.files"))
        })?;
    }
    Ok(builder.build())
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.sender }
    }
}
