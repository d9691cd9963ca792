//! HTTP+SSE of 2024-11-05: a stream at `/sse`, whose first event says where messages are posted to.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Query, State},
    http::StatusCode,
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures_util::{Stream, StreamExt as _, stream};
use rmcp::{
    RoleServer, ServiceExt as _,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::fixture::{Fixture, Shared};

type Incoming = RxJsonRpcMessage<RoleServer>;
type Outgoing = TxJsonRpcMessage<RoleServer>;

/// How many messages may wait for each other.
const WAITING: usize = 64;

#[derive(Default)]
struct Server {
    shared: Arc<Shared>,
    sessions: Mutex<Sessions>,
}

#[derive(Default)]
struct Sessions {
    posts: HashMap<u64, mpsc::Sender<Incoming>>,
    next: u64,
}

/// A session as rmcp sees it.
struct Channels {
    outgoing: mpsc::Sender<Outgoing>,
    incoming: mpsc::Receiver<Incoming>,
}

impl Transport<RoleServer> for Channels {
    type Error = io::Error;

    fn send(&mut self, message: Outgoing) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let outgoing = self.outgoing.clone();
        async move { outgoing.send(message).await.map_err(|_| io::ErrorKind::BrokenPipe.into()) }
    }

    fn receive(&mut self) -> impl Future<Output = Option<Incoming>> + Send {
        self.incoming.recv()
    }

    async fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The session ends with its stream.
struct Streaming {
    server: Arc<Server>,
    session: u64,
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.server.sessions.lock().unwrap().posts.remove(&self.session);
    }
}

pub(crate) fn router() -> Router {
    Router::new().route("/sse", get(open)).route("/messages", post(take)).with_state(Arc::<Server>::default())
}

async fn open(State(server): State<Arc<Server>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (post, incoming) = mpsc::channel(WAITING);
    let (outgoing, messages) = mpsc::channel(WAITING);
    let session = {
        let mut sessions = server.sessions.lock().unwrap();
        sessions.next += 1;
        let session = sessions.next;
        sessions.posts.insert(session, post);
        session
    };
    let fixture = Fixture::of(&server.shared);
    tokio::spawn(async move {
        if let Ok(running) = fixture.serve(Channels { outgoing, incoming }).await {
            let _ = running.waiting().await;
        }
    });
    let endpoint = Event::default().event("endpoint").data(format!("/messages?session={session}"));
    let streaming = Streaming { server, session };
    let events = stream::unfold((messages, streaming), |(mut messages, streaming)| async move {
        let message = messages.recv().await?;
        let text = serde_json::to_string(&message).expect("a message is JSON");
        Some((Event::default().event("message").data(text), (messages, streaming)))
    });
    Sse::new(stream::iter([endpoint]).chain(events).map(Ok)).keep_alive(KeepAlive::default())
}

#[derive(Deserialize)]
struct To {
    session: u64,
}

async fn take(State(server): State<Arc<Server>>, Query(to): Query<To>, body: Bytes) -> impl IntoResponse {
    let post = server.sessions.lock().unwrap().posts.get(&to.session).cloned();
    let Some(post) = post else { return (StatusCode::NOT_FOUND, "there is no such session".to_owned()) };
    let message = match serde_json::from_slice(&body) {
        Ok(message) => message,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()),
    };
    match post.send(message).await {
        Ok(()) => (StatusCode::ACCEPTED, String::new()),
        Err(_) => (StatusCode::GONE, "the session has ended".to_owned()),
    }
}
