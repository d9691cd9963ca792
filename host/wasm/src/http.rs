//! HTTP of plugins: `wasi:http` requests, sent by the gateway where the plugin was granted their host.
//!
//! The order is: method, host and path are held against the list; the host's name is resolved; what of its addresses may
//! be reached is held against the list; the connection goes to exactly such an address. Nothing is looked up a second
//! time, no redirect is followed, no proxy is asked. Secrets are added last, to what the plugin does not see any more.

mod body;
mod connect;
mod traffic;

pub(crate) use self::connect::{HttpClient, Tls};

use std::{
    error::Error as StdError,
    io,
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use http_body_util::BodyExt;
use tokio::{runtime::Handle, sync::Semaphore};
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use self::{
    body::{Inbound, Outbound, discard},
    connect::{NotFound, Prohibited},
    traffic::Traffic,
};
use crate::{
    control::Control,
    engine::PluginEngine,
    guest::Context,
    permissions::{Denial, Outgoing, Target},
};

/// Requests of one call at the same time.
const IN_FLIGHT: usize = 16;

/// What wasmtime asks to send a request, for one call.
pub(crate) struct Sender {
    context: Arc<Context>,
    control: Arc<Control>,
    engine: Arc<PluginEngine>,
    /// The client of the plugin, whose calls share connections.
    client: Arc<OnceLock<HttpClient>>,
    /// The runtime of the caller: connections live there, not where spinning guests do.
    home: Handle,
    /// Made with the first request.
    used: Option<Used>,
}

/// What the requests of one call have in common.
struct Used {
    in_flight: Arc<Semaphore>,
    traffic: Arc<Traffic>,
}

type Sent = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl Sender {
    pub(crate) fn new(
        context: Arc<Context>,
        control: Arc<Control>,
        engine: Arc<PluginEngine>,
        client: Arc<OnceLock<HttpClient>>,
        home: Handle,
    ) -> Self {
        Self { context, control, engine, client, home, used: None }
    }

    /// The same for another instance, which has sent nothing.
    pub(crate) fn again(&self) -> Self {
        let Self { context, control, engine, client, home, .. } = self;
        Self::new(context.clone(), control.clone(), engine.clone(), client.clone(), home.clone())
    }

    /// Where the request goes, if that is allowed.
    fn admit(&self, request: &http::Request<WasiBody>) -> Result<Target, Error> {
        // A tunnel would lead past every check, and the other sends back what it was sent, with the secrets.
        if matches!(*request.method(), http::Method::CONNECT | http::Method::TRACE) {
            return Err(Error::HttpRequestMethodInvalid);
        }
        let target = Target::of(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
        let outgoing = outgoing(request, &target);
        if let Err(denial) = self.context.permissions.check_request(self.context.name.as_str(), &outgoing) {
            self.control.note_denial(denial);
            return Err(Error::HttpRequestDenied);
        }
        Ok(target)
    }

    fn used(&mut self) -> &Used {
        let (context, control) = (&self.context, &self.control);
        self.used.get_or_insert_with(|| Used {
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT)),
            traffic: Arc::new(Traffic::new(context.clone(), control.clone())),
        })
    }
}

/// A request as it is decided on.
fn outgoing<'a, B>(request: &'a http::Request<B>, target: &'a Target) -> Outgoing<'a> {
    Outgoing { target, method: request.method(), path: request.uri().path() }
}

impl WasiHttpHooks for Sender {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let target = match self.admit(&request) {
            Ok(target) => target,
            Err(error) => {
                self.home.spawn(discard(request.into_body()));
                return Box::new(async { Err(error) });
            }
        };
        let Used { in_flight, traffic } = self.used();
        let traffic = traffic.clone();
        let Ok(permit) = in_flight.clone().try_acquire_owned() else {
            return Box::new(async { Err(Error::ConnectionLimitReached) });
        };
        let exchange = Exchange {
            target,
            context: self.context.clone(),
            control: self.control.clone(),
            engine: self.engine.clone(),
            client: self.client.clone(),
            traffic,
            options: options.unwrap_or_default(),
        };
        let task = self.home.spawn(async move {
            let response = exchange.run(request).await?;
            Ok::<_, Error>(response.map(|body| body.holding(permit).boxed_unsync()))
        });
        // The guest may drop its request; then it is not sent any further.
        let task = AbortOnDropHandle::new(task);
        Box::new(async move {
            let gone = |_| Error::InternalError(Some("the gateway is stopping".to_owned()));
            let response = task.await.map_err(gone)??;
            Ok((response, Box::new(async { Ok(()) }) as Box<dyn Future<Output = _> + Send>))
        })
    }
}

/// One request and its response.
struct Exchange {
    target: Target,
    context: Arc<Context>,
    control: Arc<Control>,
    engine: Arc<PluginEngine>,
    client: Arc<OnceLock<HttpClient>>,
    traffic: Arc<Traffic>,
    options: RequestOptions,
}

impl Exchange {
    async fn run(self, mut request: http::Request<WasiBody>) -> Result<http::Response<Inbound>, Error> {
        self.traffic.send_head(request.uri(), request.headers())?;
        if let Some(rehearsal) = &self.context.rehearsal {
            let answer = rehearsal.answer(request).await?;
            return Ok(answer.map(|body| Inbound::new(body, self.traffic.clone(), None)));
        }
        self.add_secrets(&mut request);
        let client = self.client().await?;
        let sent = client.request(request.map(|body| Outbound::new(body, self.traffic.clone(), Handle::current())));
        let headers = async {
            match self.options.first_byte_timeout {
                Some(time) => {
                    // The guest counts from the connection, which is a part of what is timed here.
                    let time = time.saturating_add(self.options.connect_timeout.unwrap_or_default());
                    tokio::time::timeout(time, sent).await.map_err(|_| Error::ConnectionReadTimeout)
                }
                None => Ok(sent.await),
            }
        };
        let response = tokio::select! {
            response = headers => response?,
            () = self.control.late() => return Err(Error::HttpResponseTimeout),
            () = self.control.cancelled() => return Err(Error::ConnectionTerminated),
        };
        let response = response.map_err(|error| self.explain(&error))?;
        self.traffic.receive_head(response.headers())?;
        Ok(response.map(|body| Inbound::new(body, self.traffic.clone(), self.options.between_bytes_timeout)))
    }

    fn add_secrets(&self, request: &mut http::Request<WasiBody>) {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let outgoing = Outgoing { target: &self.target, method: &method, path: uri.path() };
        self.context.permissions.secrets.add(&outgoing, request.headers_mut());
    }

    /// The plugin's client. The first one reads the system's certificates, which blocks.
    async fn client(&self) -> Result<HttpClient, Error> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let (engine, context) = (self.engine.clone(), self.context.clone());
        let made = tokio::task::spawn_blocking(move || connect::client(engine.tls(), &context.permissions)).await;
        let client = made.map_err(|error| Error::InternalError(Some(error.to_string())))?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    /// The error of the client, as the guest is told.
    fn explain(&self, error: &(dyn StdError + 'static)) -> Error {
        if let Some(Prohibited(ip)) = cause(error) {
            self.note_prohibited(*ip);
            return Error::DestinationIpProhibited;
        }
        if cause::<NotFound>(error).is_some() {
            return Error::DnsError { rcode: Some("name not found".to_owned()), info_code: None };
        }
        if let Some(error) = cause::<Error>(error) {
            // A body that was too large, or that the guest gave up.
            return match error {
                Error::HttpRequestBodySize(size) => Error::HttpRequestBodySize(*size),
                _ => Error::HttpProtocolError,
            };
        }
        if let Some(rustls::Error::InvalidCertificate(_)) = cause(error) {
            return Error::TlsCertificateError;
        }
        if cause::<rustls::Error>(error).is_some() {
            return Error::TlsProtocolError;
        }
        match cause::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Error::ConnectionRefused,
            Some(io::ErrorKind::TimedOut) => Error::ConnectionTimeout,
            Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => Error::DestinationIpUnroutable,
            Some(_) => Error::ConnectionTerminated,
            None => Error::HttpProtocolError,
        }
    }

    fn note_prohibited(&self, ip: IpAddr) {
        self.control.note_denial(Denial::address(self.context.name.as_str(), &self.target, ip));
    }
}

/// The first cause of this type in the chain.
fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // What an `io::Error` wraps is its inner error, whose own source `source` would skip to.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
