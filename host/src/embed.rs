//! The gateway as a part of another program: put together by a [`Builder`], with tools that are functions of that program,
//! and served, called or mounted into a server of its own.
//!
//! * [`builder`]: what it is put together from.
//! * [`tool`]: functions as tools.
//! * [`outcome`]: what a call gave.
//! * [`error`]: what can go wrong.

pub mod builder;
pub mod error;
pub mod outcome;
pub mod tool;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::Router;
use futures_util::future::join_all;
use gateway_core::{
    call::{Call, Caller},
    error::CallError,
    payload::{Json, Op},
    role::RoleError,
    source::{Client, Kind, Nobody},
};
use serde::Serialize;
use serde_json::Value;
use tokio::net::{TcpListener, ToSocketAddrs, lookup_host};

use self::{builder::Builder, error::ServeError, outcome::Outcome};
use crate::{
    app::{App, DRAIN},
    control::Control,
    frontends::{auth::Door, http::Front},
    gateway::Params,
};

/// A gateway as a part of this program. Clones are the same gateway.
///
/// Nothing is started before it is needed; [`Gateway::stop`] ends what was. It needs a Tokio runtime with time and I/O.
///
/// ```
/// use gateway_host::{Gateway, Tool};
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
/// use serde_json::json;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Terms {
///     /// The first one.
///     a: i64,
///     /// The second one.
///     b: i64,
/// }
///
/// #[derive(Serialize, JsonSchema)]
/// struct Sum {
///     sum: i64,
/// }
///
/// async fn add(terms: Terms) -> Result<Sum, String> {
///     let sum = terms.a.checked_add(terms.b).ok_or("the sum is too large")?;
///     Ok(Sum { sum })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let temp = tempfile::tempdir()?;
/// let config = "
///     default_role: reader
///     roles:
///       reader: [program_*]
///       guest: [gateway_status]
/// ";
/// let gateway = Gateway::builder()
///     .config_text(config)?
///     .register_tool(Tool::new("add", add).description("Add two numbers").read_only())
/// #   .folders(temp.path(), temp.path())
///     .build()
///     .await?;
///
/// let reader = gateway.caller("reader")?;
/// let outcome = gateway.call(reader, "add", json!({ "a": 1, "b": 2 })).await?;
/// assert_eq!(outcome.structured(), Some(json!({ "sum": 3 })));
///
/// // What the function refuses is a result, for a model to read.
/// let outcome = gateway.call(reader, "add", json!({ "a": i64::MAX, "b": 2 })).await?;
/// assert!(outcome.is_error());
/// assert_eq!(outcome.text(), "the sum is too large");
///
/// // What a role may not see does not exist for it.
/// let guest = gateway.caller("guest")?;
/// let error = gateway.call(guest, "add", json!({ "a": 1, "b": 2 })).await.unwrap_err();
/// assert_eq!(error.to_string(), "unknown tool: add");
/// gateway.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Gateway {
    app: Arc<App>,
    /// The role of whoever brings none.
    role: Option<Arc<str>>,
    /// What is mounted elsewhere, to be ended with it.
    fronts: Arc<Mutex<Vec<Arc<Front>>>>,
}

impl Gateway {
    /// What a gateway is put together with.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(app: App, role: Option<String>) -> Self {
        Self { app: Arc::new(app), role: role.map(Into::into), fronts: Arc::default() }
    }

    /// Somebody of that role, who can call tools; `None`: of the one that was named to the [`Builder`], else of
    /// `default_role`. It stays right when the configuration changes: who has a role that is there no more sees nothing.
    ///
    /// # Errors
    /// Where no such role is configured, or none was named and there is no default.
    pub fn caller<'a>(&self, role: impl Into<Option<&'a str>>) -> Result<Caller, RoleError> {
        let name = role.into().or(self.role.as_deref());
        Ok(Caller { role: self.app.gateway().roles().resolve(name)? })
    }

    /// Calls a tool, by its public name. The arguments are an object, or nothing (`()`, `None`, JSON's `null`). Dropping
    /// the future cancels the call.
    ///
    /// ```
    /// # use gateway_host::Gateway;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let temp = tempfile::tempdir()?;
    /// # let gateway = Gateway::builder().folders(temp.path(), temp.path()).build().await?;
    /// let outcome = gateway.call(gateway.caller(None)?, "gateway_status", ()).await?;
    /// assert!(outcome.structured().is_some_and(|status| status["uptime_s"].is_number()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`CallError::UnknownTool`] for what does not exist and for what the caller's role may not see;
    /// [`CallError::InvalidParams`] for arguments that are no object; [`CallError::Failed`] where the tool could not be
    /// run. What the tool itself says is no error here: see [`Outcome::is_error`].
    pub async fn call(&self, caller: Caller, tool: &str, arguments: impl Serialize) -> Result<Outcome, CallError> {
        let arguments = Json::from_value(&arguments);
        let arguments = match arguments.as_str() {
            "null" => None,
            _ if arguments.is_object() => Some(arguments),
            _ => return Err(CallError::InvalidParams(format!("tool {tool:?}: the arguments are no object").into())),
        };
        let client: Arc<dyn Client> = Arc::new(Nobody);
        let face = self.app.gateway().face(client.abilities());
        let call = Call::root(caller, None, client, Arc::new(face.clone()));
        let params = Params { arguments, ..Params::default() };
        Ok(Outcome(face.run(Op::CallTool, tool, params, Arc::new(call)).await?))
    }

    /// The tools that the caller's role is shown, as `tools/list` defines them. Servers whose tools are not known yet
    /// are not started: a placeholder stands for each.
    ///
    /// # Errors
    /// Where the catalogue cannot be made.
    pub async fn tools(&self, caller: Caller) -> Result<Vec<Value>, CallError> {
        let client: Arc<dyn Client> = Arc::new(Nobody);
        let snapshot = self.app.gateway().face(client.abilities()).list(&client).await?;
        // What stands in a catalogue is JSON.
        Ok(snapshot.listed(caller.role, Kind::Tool).filter_map(|entry| entry.definition().to().ok()).collect())
    }

    /// Serves one client on standard input and output, until it closes its side or one of the signals SIGTERM and SIGINT
    /// comes; then ends everything. Nothing else may write to standard output.
    ///
    /// ```no_run
    /// // Not run here: standard output belongs to the client.
    /// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
    /// let gateway = gateway_host::Gateway::builder().config_file("gateway.yaml")?.build().await?;
    /// gateway.serve_stdio().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where there is no role to go by, standard input cannot be read, or no signal handler can be set.
    pub async fn serve_stdio(&self) -> Result<(), ServeError> {
        self.caller(None)?;
        Ok(self.app.serve_stdio().await?)
    }

    /// Serves whoever comes to that address over HTTP (`/mcp`, `/sse` and all else that `gateway serve` has), until one
    /// of the signals SIGTERM and SIGINT comes; then ends everything.
    ///
    /// # Errors
    /// Where the address cannot be listened on, or is not loopback and the configuration has no `auth`.
    pub async fn serve_http(&self, address: impl ToSocketAddrs) -> Result<(), ServeError> {
        let addresses: Vec<SocketAddr> = lookup_host(address).await?.collect();
        addresses.iter().try_for_each(|address| self.may_listen(*address))?;
        self.serve_listener(TcpListener::bind(&addresses[..]).await?).await
    }

    /// The same, on a listener that is there already: its address is known, and its port can have been any.
    ///
    /// # Errors
    /// As those of [`Gateway::serve_http`].
    pub async fn serve_listener(&self, listener: TcpListener) -> Result<(), ServeError> {
        let bound = listener.local_addr()?;
        self.may_listen(bound)?;
        self.check_role()?;
        let door = self.app.door()?;
        Ok(self.app.serve_http(listener, &bound.ip().to_string(), door).await?)
    }

    /// MCP over HTTP (`/mcp`, `/mcp/{server}`, and the older `/sse` and `/messages`) for a server of one's own: to be
    /// merged into a router of `axum` 0.8, which is [`crate::axum`]. The check of `Host` and `Origin` and `auth` are part of
    /// it, and concern its own routes alone. Nested below a path, only `/mcp` works: clients of the older transport are
    /// told to send to `/messages`.
    ///
    /// It answers to the names of loopback, `host` and `allowed_hosts` of the configuration. Without `auth` whoever can
    /// reach it has the role that needs no token: then the server has to listen on loopback.
    ///
    /// ```
    /// # use gateway_host::{Gateway, axum};
    /// use axum::{Router, routing::get};
    /// use tokio::{net::TcpListener, sync::oneshot};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let temp = tempfile::tempdir()?;
    /// # let builder = Gateway::builder().folders(temp.path(), temp.path());
    /// let gateway = builder.build().await?;
    /// let app = Router::new().route("/hello", get(async || "hello")).merge(gateway.router()?);
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let (quit, told) = oneshot::channel::<()>();
    /// let server = axum::serve(listener, app).with_graceful_shutdown(async move {
    ///     let _ = told.await;
    ///     gateway.stop().await;
    /// });
    /// # quit.send(()).unwrap();
    /// server.await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where there is neither `auth` nor a role to go by, or `host` of the configuration is not loopback and there is no
    /// `auth`.
    pub fn router(&self) -> Result<Router, ServeError> {
        self.mounted(App::mcp_routes)
    }

    /// All that [`Gateway::serve_http`] serves, likewise: with the dashboard at `/`, the REST API below `/api`, `/health`,
    /// `/livez` and `/readyz`. It has to be at the root of its server.
    ///
    /// # Errors
    /// As those of [`Gateway::router`].
    pub fn whole_router(&self) -> Result<Router, ServeError> {
        self.mounted(App::routes)
    }

    fn mounted(
        &self,
        routes: impl Fn(&App, &str, SocketAddr, Door) -> (Arc<Front>, Router),
    ) -> Result<Router, ServeError> {
        let desired = self.app.desired();
        let config = &desired.config;
        let ip = config.host.parse().unwrap_or(IpAddr::from(Ipv4Addr::LOCALHOST));
        let address = SocketAddr::from((ip, config.port));
        self.may_listen(address)?;
        self.check_role()?;
        let (front, router) = routes(&self.app, &config.host, address, self.app.door()?);
        self.fronts.lock().unwrap_or_else(PoisonError::into_inner).push(front);
        self.app.follow_files();
        self.app.control().learn_early(None);
        Ok(router)
    }

    /// Whoever can reach the gateway can use it, unless there is `auth`.
    fn may_listen(&self, address: SocketAddr) -> Result<(), ServeError> {
        match self.app.desired().config.auth.is_some() || address.ip().is_loopback() {
            true => Ok(()),
            false => Err(ServeError::Open { address }),
        }
    }

    /// With `auth` each request brings its own.
    fn check_role(&self) -> Result<(), RoleError> {
        match self.app.desired().config.auth {
            Some(_) => Ok(()),
            None => self.caller(None).map(drop),
        }
    }

    /// Follows the files of the configuration from now on, as it is done wherever the gateway is served: `gateway.yaml`
    /// unless it says `watch: false`, what was registered by others, and plugins.
    pub fn follow_files(&self) {
        self.app.follow_files();
    }

    /// Reads the configuration's file again. One with mistakes changes nothing; the log says them.
    pub async fn reload(&self) {
        self.app.control().reload().await;
    }

    /// What changes the gateway while it runs (it implements [`gateway_core::manage::Manage`]), and says what is wanted
    /// of it at the moment.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        self.app.control()
    }

    /// Ends everything: requests of mounted routers are given up to ten seconds, then what was started is stopped.
    pub async fn stop(&self) {
        let fronts = std::mem::take(&mut *self.fronts.lock().unwrap_or_else(PoisonError::into_inner));
        join_all(fronts.iter().map(|front| front.drain(DRAIN))).await;
        self.app.stop().await;
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("control", self.app.control()).field("role", &self.role).finish_non_exhaustive()
    }
}
