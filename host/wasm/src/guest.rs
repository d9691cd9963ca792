//! One instance: what its store holds, how it is made, what its end means.

use std::{sync::Arc, time::Instant};

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
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{
    control::Control,
    engine::Machine,
    exports::Work,
    host::Reports,
    http::Sender,
    limits::{Limits, Meter},
    load::Code,
    output::{Output, Which},
    permissions::Permissions,
    trap,
};

/// Files, streams, requests and the like that a call may hold open at once: each may be a file of this process, which
/// has not many.
pub(crate) const HANDLES: usize = 256;

/// Random bytes in one go: they are made in the host's memory.
const RANDOM_BYTES: u64 = 1024 * 1024;

/// What every call of one plugin has in common.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) name: SourceName,
    pub(crate) permissions: Permissions,
    pub(crate) limits: Limits,
    pub(crate) config: Json,
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
        let control = self.control.clone();
        let hostcall_bytes = self.context.limits.hostcall_bytes();
        let mut store = Store::new(&machine.engine, self.guest()?);
        store.limiter(|guest| &mut guest.meter);
        store.set_hostcall_fuel(hostcall_bytes);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| Ok(control.tick()));
        Ok(store)
    }

    /// Makes the instance and does `work` in it.
    pub(crate) async fn run<W: Work>(self, code: Arc<Code>, work: W) -> Result<W::Output, Failure> {
        let mut store = self.store(&code.machine)?;
        let made = code.pre.instantiate_async(&mut store).await;
        let instance = match made {
            Ok(instance) => instance,
            Err(error) => return Err(trap::failure(&error, store.data())),
        };
        let mut live = Live { store, instance, code };
        let done = work.run(&mut live).await;
        done.map_err(|error| trap::failure(&error, live.store.data()))
    }
}

impl Context {
    /// The same plugin, granted nothing: how its tools are listed.
    pub(crate) fn without_permissions(&self) -> Self {
        Self {
            name: self.name.clone(),
            permissions: Permissions::default(),
            limits: self.limits,
            config: self.config.clone(),
        }
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
