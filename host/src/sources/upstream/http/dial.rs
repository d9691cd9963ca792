//! Connections to one server: requests go out, and come back with an answer or with what happened to them.

use std::{
    error::Error,
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use gateway_core::wire::peer::RequestError;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::sync::OnceCell;
use url::Url;

use super::resolve::{Resolver, written_out};
use crate::sources::upstream::{oauth::Login, remote::Remote};

/// How long it may take until a connection stands, TLS included.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a connection is kept for the next request: shorter than most servers and balancers keep theirs, so that
/// no request meets a connection that is being closed.
const KEEP: Duration = Duration::from_secs(50);

/// How often in a row a request may be sent elsewhere.
const REDIRECTS: usize = 5;

/// The shortest secret that is struck out of what a server says.
const MIN_SECRET: usize = 6;

type HttpClient = Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// Sends requests to one server, over connections that are kept. No cookies, no redirects to another origin.
pub(in crate::sources::upstream) struct Dialer {
    client: OnceCell<HttpClient>,
    url: Url,
    /// What every request has, as the configuration says.
    headers: HeaderMap,
    secrets: Vec<(String, String)>,
    login: Option<Arc<Login>>,
    only_public: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(in crate::sources::upstream) enum DialError {
    /// There is no connection: nothing was sent.
    Unreachable(String),
    /// It broke before the answer came: what was sent may have had its effect.
    Lost(String),
    /// The server wants it to be sent elsewhere, where it is not sent.
    Redirected { status: StatusCode, to: String },
}

impl Dialer {
    /// For the server at `remote`.
    ///
    /// # Errors
    /// The header that cannot be sent.
    pub(in crate::sources::upstream) fn new(remote: &Remote) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        headers
            .insert(header::USER_AGENT, HeaderValue::from_static(concat!("mcp-gateway/", env!("CARGO_PKG_VERSION"))));
        for (name, value) in &remote.headers {
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| name.clone())?;
            let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| name.clone())?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        let login = remote.login.clone().filter(|_| !headers.contains_key(header::AUTHORIZATION));
        let (client, url, secrets) = (OnceCell::new(), remote.url.clone(), secrets(&remote.headers));
        Ok(Self { client, url, headers, secrets, login, only_public: remote.only_public })
    }

    /// Where the server is.
    pub(in crate::sources::upstream) fn url(&self) -> &Url {
        &self.url
    }

    /// Sends a request to `url`, which is of the server's origin, and waits for the head of the answer. A token that
    /// the server does not take any more is renewed once.
    ///
    /// # Errors
    /// See [`DialError`]. Whatever the server answers, redirects excepted, is no error.
    pub(in crate::sources::upstream) async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, DialError> {
        let Some(login) = &self.login else { return self.follow(method, url, &headers, &body, None).await };
        let token = login.token().await;
        let response = self.follow(method.clone(), url, &headers, &body, token.as_ref()).await?;
        if response.status() == StatusCode::FORBIDDEN {
            login.refused(response.headers()).await;
        }
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let Some(token) = login.renewed(token.as_ref()).await else { return Ok(response) };
        self.follow(method, url, &headers, &body, Some(&token)).await
    }

    /// Sends, and sends again where the server says that it moved within its origin.
    async fn follow(
        &self,
        method: Method,
        url: &Url,
        headers: &HeaderMap,
        body: &Bytes,
        token: Option<&HeaderValue>,
    ) -> Result<Response<Incoming>, DialError> {
        if self.only_public {
            // What is no name is not looked up, so that nobody else asks.
            written_out(url).map_err(DialError::Unreachable)?;
        }
        let client = self.client().await?;
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let request = self.request(&method, &url, headers, body, token)?;
            let response = client.request(request).await.map_err(|error| explain(&error))?;
            let status = response.status();
            let Some(location) = location(&response) else { return Ok(response) };
            let to = url.join(&location).map_err(|_| DialError::Redirected { status, to: location })?;
            // A request that becomes a GET on the way would lose what it says.
            let keeps = matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
            if to.origin() != self.url.origin() || !(keeps || method == Method::GET) {
                return Err(DialError::Redirected { status, to: shown(&to) });
            }
            url = to;
        }
        Err(DialError::Redirected { status: StatusCode::LOOP_DETECTED, to: format!("{} again and again", shown(&url)) })
    }

    fn request(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &Bytes,
        token: Option<&HeaderValue>,
    ) -> Result<Request<Full<Bytes>>, DialError> {
        let uri: Uri = url.as_str().parse().map_err(|error| DialError::Unreachable(format!("{error}")))?;
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri;
        let all = request.headers_mut();
        all.reserve(self.headers.len() + headers.len() + 2);
        // What belongs to the transport counts more than what the configuration says.
        for (name, value) in self.headers.iter().chain(headers) {
            all.insert(name, value.clone());
        }
        if let Some(token) = token {
            all.insert(header::AUTHORIZATION, token.clone());
        }
        Ok(request)
    }

    async fn client(&self) -> Result<&HttpClient, DialError> {
        let secure = self.url.scheme() == "https";
        let client = |tls| client(tls, Resolver::new(self.only_public));
        let make = || async move {
            if !secure {
                return untrusting().map(client);
            }
            // The system's certificates are read from files.
            let read = tokio::task::spawn_blocking(trusting).await;
            read.map_err(|error| error.to_string()).flatten().map(client)
        };
        self.client.get_or_try_init(make).await.map_err(DialError::Unreachable)
    }

    /// What is said of an answer with a status that is no success, and with this text.
    pub(in crate::sources::upstream) fn status(&self, status: StatusCode, said: &str) -> RequestError {
        // A page for people says nothing in one line.
        let said = if said.trim_start().starts_with('<') { String::new() } else { self.quote(said) };
        let reason = status.canonical_reason().unwrap_or_default();
        let said = if said.is_empty() { reason.to_owned() } else { said };
        let said = if said.is_empty() { said } else { format!(": {said}") };
        RequestError::Status { status: status.as_u16(), said: said.into() }
    }

    /// What a server said, on one short line, without the values of the configured headers.
    pub(in crate::sources::upstream) fn quote(&self, text: &str) -> String {
        const QUOTED: usize = 300;
        let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for (name, secret) in &self.secrets {
            line = line.replace(secret, &format!("(the value of {name})"));
        }
        line.chars().take(QUOTED).collect()
    }
}

fn client(tls: ClientConfig, resolver: Resolver) -> HttpClient {
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.enforce_http(false);
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(KEEP).build(connector)
}

/// TLS that trusts what this system trusts. Blocks the first time.
fn trusting() -> Result<ClientConfig, String> {
    static CONFIG: OnceLock<Result<ClientConfig, String>> = OnceLock::new();
    let read = || {
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let trusting =
            builder.with_safe_default_protocol_versions().and_then(|builder| builder.with_platform_verifier());
        trusting.map(|config| config.with_no_client_auth()).map_err(|error| format!("TLS cannot be used: {error}"))
    };
    CONFIG.get_or_init(read).clone()
}

/// TLS for who does not use it.
fn untrusting() -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let versions = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(versions.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Where a redirect leads.
fn location(response: &Response<Incoming>) -> Option<String> {
    let status = response.status();
    let location = response.headers().get(header::LOCATION).filter(|_| status.is_redirection())?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

/// An address without what may be secret in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let (_, _) = (url.set_username(""), url.set_password(None));
    url.set_query(None);
    url.into()
}

/// The values of the configured headers, and the tokens within: the part after `Bearer`.
fn secrets(headers: &[(String, String)]) -> Vec<(String, String)> {
    let parts = |(name, value): &(String, String)| {
        let token = value.split_whitespace().next_back().unwrap_or_default().to_owned();
        [(name.clone(), value.clone()), (name.clone(), token)]
    };
    headers.iter().flat_map(parts).filter(|(_, secret)| secret.len() >= MIN_SECRET).collect()
}

/// What happened, in words.
fn explain(error: &hyper_util::client::legacy::Error) -> DialError {
    let cause = deepest(error);
    match error.is_connect() {
        true => DialError::Unreachable(cause),
        false => DialError::Lost(cause),
    }
}

/// What is at the bottom of an error.
pub(super) fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    loop {
        // What an `io::Error` wraps is its inner error, whose own source `source` would skip to.
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| cause.source()) {
            Some(deeper) => cause = deeper,
            None => break,
        }
    }
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return format!("TLS: {error}");
    }
    let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::Other) | None => cause.to_string(),
        Some(kind) => kind.to_string(),
    }
}
