//! A stage for tests: a clock that stands, random numbers that are always the same, and recorded answers in place of the
//! web. What the plugin may do stays what it was granted.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use sha2::{Digest as _, Sha256};
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtxBuilder};
use wasmtime_wasi_http::{Error, WasiBody};

/// What the calls of a plugin see of the world. The same for every call, from its beginning.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    /// What `wasi:clocks/wall-clock` says.
    pub now: SystemTime,
    /// Where `wasi:random` begins.
    pub seed: u64,
    /// What `wasi:http` gives. A request that is not among them fails.
    pub http: Vec<Recorded>,
}

/// A request and the answer to it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The method.
    pub method: http::Method,
    /// The whole address, with its query.
    pub url: String,
    /// The body that the request has to have; `None`: any.
    pub sent: Option<Bytes>,
    /// The answer.
    pub answer: http::Response<Bytes>,
}

/// Bytes of randomness before they begin again.
const RANDOM_CYCLE: u64 = 64 * 1024;

/// The largest body of a request that is held against the recorded ones.
const MAX_SENT: usize = 1024 * 1024;

impl Rehearsal {
    /// Sets the stage for one instance.
    pub(crate) fn set(&self, builder: &mut WasiCtxBuilder) {
        let now = self.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        builder.wall_clock(Standing(now)).monotonic_clock(Counting(AtomicU64::new(0)));
        builder.secure_random(self.random(0)).insecure_random(self.random(1)).insecure_random_seed(self.seed.into());
    }

    fn random(&self, which: u8) -> Deterministic {
        let block = |at: u64| {
            let hash = Sha256::new().chain_update(self.seed.to_le_bytes()).chain_update([which]);
            hash.chain_update(at.to_le_bytes()).finalize()
        };
        Deterministic::new((0..RANDOM_CYCLE / 32).flat_map(block).collect())
    }

    /// The recorded answer to a request that was allowed.
    pub(crate) async fn answer(&self, request: http::Request<WasiBody>) -> Result<http::Response<Full<Bytes>>, Error> {
        let (head, body) = request.into_parts();
        let sent = http_body_util::Limited::new(body, MAX_SENT).collect().await;
        let sent = sent.map_err(|_| Error::HttpRequestBodySize(Some(MAX_SENT as u64)))?.to_bytes();
        let url = head.uri.to_string();
        let fits = |recorded: &&Recorded| {
            recorded.method == head.method
                && recorded.url == url
                && recorded.sent.as_ref().is_none_or(|expected| *expected == sent)
        };
        match self.http.iter().find(fits) {
            Some(recorded) => Ok(recorded.answer.clone().map(Full::new)),
            None => {
                let what = format!("no answer is recorded for {} {url}", head.method);
                Err(Error::InternalError(Some(what)))
            }
        }
    }
}

/// A clock that stands.
struct Standing(Duration);

impl HostWallClock for Standing {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

/// A clock that goes on by a microsecond whenever it is looked at, so that who waits for it gets there.
struct Counting(AtomicU64);

impl HostMonotonicClock for Counting {
    fn resolution(&self) -> u64 {
        1000
    }

    fn now(&self) -> u64 {
        self.0.fetch_add(1000, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, url: &str, body: &'static str) -> http::Request<WasiBody> {
        let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
        http::Request::builder().method(method).uri(url).body(body).unwrap()
    }

    #[tokio::test]
    async fn requests_are_held_against_what_was_recorded() {
        let recorded = |method, url: &str, sent: Option<&'static str>, answer: &'static str| Recorded {
            method,
            url: url.to_owned(),
            sent: sent.map(Bytes::from),
            answer: http::Response::new(Bytes::from(answer)),
        };
        let stage = Rehearsal {
            now: UNIX_EPOCH,
            seed: 1,
            http: vec![
                recorded(http::Method::GET, "https://example.com/a?b=1", None, "got"),
                recorded(http::Method::POST, "https://example.com/", Some("x"), "posted x"),
                recorded(http::Method::POST, "https://example.com/", None, "posted"),
            ],
        };
        let ask = async |method, url, body| {
            let answer = stage.answer(request(method, url, body)).await?;
            Ok::<_, Error>(answer.into_body().collect().await.unwrap().to_bytes())
        };
        assert_eq!(ask("GET", "https://example.com/a?b=1", "").await.unwrap(), "got");
        assert_eq!(ask("POST", "https://example.com/", "x").await.unwrap(), "posted x");
        assert_eq!(ask("POST", "https://example.com/", "y").await.unwrap(), "posted");
        assert!(ask("GET", "https://example.com/a", "").await.is_err());
        assert!(ask("PUT", "https://example.com/", "").await.is_err());
    }
}
