//! A person logs in: the browser shows the server's page, and comes back to this machine with a code.

use std::{io, path::Path, time::Duration};

use gateway_core::name::SourceName;
use rmcp::transport::auth::{AuthError, AuthorizationRequest, AuthorizationSession};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use url::Url;

use super::{Store, file, manager};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long the browser may take to say what it wants, and how much it may say.
const REQUEST_TIME: Duration = Duration::from_secs(10);
const REQUEST: usize = 16 << 10;

/// Where the browser comes back to.
const CALLBACK: &str = "/callback";

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The server, or its authorization server, does not play along.
    #[error("{0}")]
    Auth(#[from] AuthError),
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

/// Gets tokens for the server `name` at `url`, into `folder`. `show` is given the address where the person logs in.
///
/// # Errors
/// See [`LoginError`].
pub async fn log_in(name: &SourceName, url: &Url, folder: &Path, show: impl FnOnce(&str)) -> Result<(), LoginError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let back = format!("http://127.0.0.1:{}{CALLBACK}", listener.local_addr()?.port());
    let mut manager = manager(url).await?;
    manager.set_credential_store(Store::new(file(name, url, folder)));
    let found = manager.resolve_metadata().await?;
    manager.set_metadata(found.metadata);
    let request = AuthorizationRequest::new(&back).with_client_name("MCP Gateway");
    let session = AuthorizationSession::new(manager, request).await.map_err(|(_, error)| error)?;
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
