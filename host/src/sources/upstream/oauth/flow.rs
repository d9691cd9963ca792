//! A person logs in: the browser shows the server's page, and comes back to this machine with a code.

use std::{collections::HashSet, io, path::Path, time::Duration};

use gateway_core::name::SourceName;
use rmcp::transport::auth::{
    AuthError, AuthorizationManager, AuthorizationRequest, AuthorizationSession, CredentialStore as _,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use url::Url;

use super::{Store, challenge::challenge, file, manager, store::Extras};
use crate::sources::upstream::remote::Remote;

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long the browser may take to say what it wants, and how much it may say.
const REQUEST_TIME: Duration = Duration::from_secs(10);
const REQUEST: usize = 16 << 10;

/// Where the browser comes back to.
const CALLBACK: &str = "/callback";

/// What this client is called where it is registered.
const CLIENT: &str = "MCP Gateway";

/// Asked for where it is known: without it, some hand out no token to renew others with.
const OFFLINE: &str = "offline_access";

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The server, or its authorization server, does not play along.
    #[error("{0}")]
    Auth(#[from] AuthError),
    /// Clients have to be known beforehand.
    #[error("the authorization server registers no clients by itself: register one there, and write it into `oauth`")]
    Unregistered,
    /// No port can be listened on for the browser.
    #[error("the browser cannot be waited for: {0}")]
    Listen(#[from] io::Error),
    /// The person, or the server, said no.
    #[error("the login was refused: {0}")]
    Refused(String),
    /// Nobody came back.
    #[error("nobody logged in within {} minutes", PATIENCE.as_secs() / 60)]
    TooLate,
}

/// Gets tokens for the server `name` at `remote`, into `folder`. `show` is given the address where the person logs in.
///
/// # Errors
/// See [`LoginError`].
pub async fn log_in(
    name: &SourceName,
    remote: &Remote,
    folder: &Path,
    show: impl FnOnce(&str),
) -> Result<(), LoginError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let back = format!("http://127.0.0.1:{}{CALLBACK}", listener.local_addr()?.port());
    let store = Store::new(file(name, &remote.url, folder));
    let session = begin(remote, store, &back).await?;
    show(session.get_authorization_url());
    let state = Url::parse(session.get_authorization_url()).ok().and_then(|url| parameter(&url, "state"));
    let callback = timeout(PATIENCE, called_back(&listener, &back, state.as_deref())).await;
    let (mut browser, callback) = callback.map_err(|_| LoginError::TooLate)??;
    let outcome = match parameter(&callback, "error") {
        Some(error) => {
            let more = parameter(&callback, "error_description").map(|more| format!(": {more}")).unwrap_or_default();
            Err(LoginError::Refused(format!("{error}{more}")))
        }
        None => session.handle_callback_url(callback.as_str()).await.map(drop).map_err(LoginError::from),
    };
    let said = match &outcome {
        Ok(()) => "You are logged in. This window can be closed.",
        Err(_) => "The login failed; the gateway says why. This window can be closed.",
    };
    // A browser that is gone knows enough.
    let _ = answer(&mut browser, "200 OK", said).await;
    outcome
}

/// Finds the authorization server, becomes its client, and says what is wanted.
async fn begin(remote: &Remote, store: Store, back: &str) -> Result<AuthorizationSession, LoginError> {
    let mut manager = manager(&remote.url).await?;
    let challenge = challenge(remote).await;
    let metadata = manager.resolve_metadata_from_challenge(challenge.as_deref()).await?.metadata;
    let knows_offline = metadata.scopes_supported.iter().flatten().any(|scope| scope == OFFLINE);
    let registers = metadata.registration_endpoint.is_some();
    manager.set_metadata(metadata);
    let mut scopes = scopes(remote, &manager, &store).await?;
    if knows_offline && !scopes.is_empty() && !scopes.iter().any(|scope| scope == OFFLINE) {
        scopes.push(OFFLINE.to_owned());
    }
    let mut extras = Extras { challenge, ..Extras::default() };
    let (id, secret) = match &remote.oauth.client_id {
        Some(id) => (id.clone(), remote.oauth.client_secret.clone()),
        None if !registers => return Err(LoginError::Unregistered),
        None => {
            let scopes: Vec<_> = scopes.iter().map(String::as_str).collect();
            let client = manager.register_client(CLIENT, back, &scopes).await?;
            extras.client_secret.clone_from(&client.client_secret);
            (client.client_id, client.client_secret)
        }
    };
    manager.set_credential_store(store.with(extras));
    let mut request = AuthorizationRequest::new(back).with_preregistered_client(id).with_scopes(scopes);
    request = request.with_initial_scope_selection();
    request.client_secret = secret;
    Ok(AuthorizationSession::new(manager, request).await.map_err(|(_, error)| error)?)
}

/// What to ask for: what the configuration says, or else the server. Where a call lacked something since the last login,
/// that as well, with what was granted then.
async fn scopes(remote: &Remote, manager: &AuthorizationManager, store: &Store) -> Result<Vec<String>, AuthError> {
    let mut scopes = match remote.oauth.scopes.as_slice() {
        [] => manager.select_initial_scopes(&[]).await,
        configured => configured.to_vec(),
    };
    let lacking = store.extras().await.lacking;
    if !lacking.is_empty() {
        scopes.extend(store.load().await?.map(|kept| kept.granted_scopes).unwrap_or_default());
        scopes.extend(lacking);
    }
    let mut seen = HashSet::new();
    scopes.retain(|scope| seen.insert(scope.clone()));
    Ok(scopes)
}

/// Waits until the browser comes back with this `state`. Others, such as who asks for an icon or guesses the port, are
/// turned away.
async fn called_back(listener: &TcpListener, back: &str, state: Option<&str>) -> io::Result<(TcpStream, Url)> {
    loop {
        let (mut browser, _) = listener.accept().await?;
        let asked = timeout(REQUEST_TIME, request(&mut browser)).await.ok().flatten();
        let url = asked.and_then(|target| Url::parse(back).ok()?.join(&target).ok());
        match url.filter(|url| url.path() == CALLBACK && parameter(url, "state").as_deref() == state) {
            Some(url) => return Ok((browser, url)),
            None => {
                let _ = answer(&mut browser, "404 Not Found", "There is nothing here.").await;
            }
        }
    }
}

/// What a GET asks for.
async fn request(browser: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > REQUEST || browser.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.lines().next()?.split(' ');
    (words.next()? == "GET").then_some(())?;
    words.next().filter(|target| target.starts_with('/')).map(str::to_owned)
}

async fn answer(browser: &mut TcpStream, status: &str, text: &str) -> io::Result<()> {
    let length = text.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{text}"
    );
    browser.write_all(answer.as_bytes()).await?;
    browser.shutdown().await
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
