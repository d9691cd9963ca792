//! Connections.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::{Router, http::Request};
use gateway_core::tasks::Tasks;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;
use tracing::{debug, warn};

/// How long a connection may be without a request, or with half the headers of one.
const IDLE: Duration = Duration::from_secs(120);

/// How long a listener rests that cannot take a connection, for want of file descriptors above all.
const REST: Duration = Duration::from_millis(100);

/// Takes up to `most` connections at once, until `closing`. Their requests go to `router`.
pub async fn listen(listener: TcpListener, router: Router, most: usize, closing: &CancellationToken, tasks: &Tasks) {
    let room = Arc::new(Semaphore::new(most));
    loop {
        // Whoever comes when all places are taken waits in the kernel's queue.
        let accepted = async {
            let place = room.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            biased;
            () = closing.cancelled() => return,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, closing) = (router.clone(), closing.clone());
                tasks.spawn(async move {
                    connection(stream, router, closing).await;
                    drop(place);
                });
            }
            Err(error) if is_of_connection(&error) => debug!("a connection broke before it was taken: {error}"),
            Err(error) => {
                warn!("no connection can be taken: {error}");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Serves one connection. When the gateway closes, the request that is running is the last.
async fn connection(stream: TcpStream, router: Router, closing: CancellationToken) {
    // Small events would wait for each other.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| router.clone().call(request));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(IDLE);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!("a connection ended: {error}");
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
