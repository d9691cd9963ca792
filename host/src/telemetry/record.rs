//! What happened of late, kept for whoever looks: calls, what becomes of servers, and what the gateway warns of.
//!
//! On the way of a call nothing is written out: names are counted references, and text is made when somebody reads.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use gateway_core::{call::Trace, name::SourceName, payload::Op, role::RoleId};
use tokio::sync::watch;

use super::{events, stats::Stats};

/// How many lines are kept: about a megabyte where arguments are not.
const KEPT: usize = 5000;

/// Keeps what happened of late.
pub struct Recorder {
    lines: Mutex<Lines>,
    news: watch::Sender<u64>,
    sources: RwLock<HashMap<SourceName, Arc<Stats>>>,
    in_flight: AtomicUsize,
    unknown: AtomicU64,
}

struct Lines {
    kept: VecDeque<Line>,
    last: u64,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its number; later ones are higher.
    pub id: u64,
    /// When it happened.
    pub at: SystemTime,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum What {
    /// A call begins.
    Began(Arc<Called>),
    /// A call has ended.
    Ended(Arc<Called>, Duration, Outcome),
    /// Something else.
    Said(Arc<Said>),
}

/// What is called.
#[derive(Debug)]
pub struct Called {
    /// Which call it is.
    pub trace: Trace,
    /// The role under which it runs.
    pub role: RoleId,
    /// Who runs it.
    pub source: SourceName,
    /// What that calls the tool, prompt or resource.
    pub local: Arc<str>,
    /// What clients call it.
    pub public: Arc<str>,
    /// What is asked.
    pub op: Op,
    /// When it began.
    pub began: SystemTime,
    /// The arguments, where they are to be logged: see [`masked`](super::masked).
    pub arguments: Option<Box<str>>,
}

/// How a call ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Well.
    Ok,
    /// The tool says that it failed.
    ToolError,
    /// It could not be run, or broke off.
    Failed(Arc<str>),
    /// Whoever asked went away.
    Cancelled,
}

/// Something that was said, belonging to no call.
#[derive(Debug)]
pub struct Said {
    /// How serious it is.
    pub level: tracing::Level,
    /// The source that it is about.
    pub source: Option<Box<str>>,
    /// What becomes of that source; else a warning.
    pub event: bool,
    /// In one line.
    pub message: Box<str>,
}

/// A call that runs. Dropped without an end, it was cancelled.
pub struct Recording {
    recorder: Arc<Recorder>,
    stats: Arc<Stats>,
    called: Arc<Called>,
    began: Instant,
    ended: bool,
}

impl Recorder {
    /// One that has seen nothing yet, and hears from now on what the gateway says of its servers and warns of.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let recorder = Arc::new(Self {
            lines: Mutex::new(Lines { kept: VecDeque::with_capacity(KEPT), last: 0 }),
            news: watch::Sender::new(0),
            sources: RwLock::default(),
            in_flight: AtomicUsize::new(0),
            unknown: AtomicU64::new(0),
        });
        events::tell(&recorder);
        recorder
    }

    /// A call begins.
    #[must_use]
    pub fn begin(self: &Arc<Self>, called: Called) -> Recording {
        let (stats, called) = (self.stats_of(&called.source), Arc::new(called));
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.push(called.began, What::Began(called.clone()));
        Recording { recorder: self.clone(), stats, called, began: Instant::now(), ended: false }
    }

    /// Something was asked for that is not there, or that the role may not see.
    pub fn unknown(&self, message: &str) {
        self.unknown.fetch_add(1, Ordering::Relaxed);
        let message = message.into();
        self.say(Said { level: tracing::Level::WARN, source: None, event: false, message });
    }

    /// Something was said.
    pub fn say(&self, said: Said) {
        self.push(SystemTime::now(), What::Said(Arc::new(said)));
    }

    fn push(&self, at: SystemTime, what: What) {
        let mut lines = self.lines();
        lines.last += 1;
        let id = lines.last;
        let oldest = if lines.kept.len() == KEPT { lines.kept.pop_front() } else { None };
        lines.kept.push_back(Line { id, at, what });
        drop(lines);
        drop(oldest);
        if self.news.receiver_count() > 0 {
            self.news.send_replace(id);
        }
    }

    /// What happened after the line of that number, oldest first, as far as it is kept.
    #[must_use]
    pub fn after(&self, id: u64) -> Vec<Line> {
        let lines = self.lines();
        let from = lines.kept.partition_point(|line| line.id <= id);
        lines.kept.range(from..).cloned().collect()
    }

    /// The number of the newest line.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.lines().last
    }

    /// Tells of every new line.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// How many calls run.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How often something was asked for that is not there.
    #[must_use]
    pub fn unknown_count(&self) -> u64 {
        self.unknown.load(Ordering::Relaxed)
    }

    /// How the calls of a source went; `None`: there were none.
    #[must_use]
    pub fn stats(&self, source: &SourceName) -> Option<Arc<Stats>> {
        self.sources.read().unwrap_or_else(PoisonError::into_inner).get(source).cloned()
    }

    /// Forgets the numbers of sources that are there no more, so that they do not grow for ever.
    pub fn keep_only(&self, is_there: impl Fn(&SourceName) -> bool) {
        self.sources.write().unwrap_or_else(PoisonError::into_inner).retain(|name, _| is_there(name));
    }

    fn stats_of(&self, source: &SourceName) -> Arc<Stats> {
        if let Some(stats) = self.stats(source) {
            return stats;
        }
        self.sources.write().unwrap_or_else(PoisonError::into_inner).entry(source.clone()).or_default().clone()
    }

    /// What is behind the lock is never left half-changed, so a panic elsewhere does not spoil it.
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recording {
    /// The call has ended.
    pub fn end(mut self, outcome: Outcome) {
        self.finish(outcome);
    }

    fn finish(&mut self, outcome: Outcome) {
        self.ended = true;
        let took = self.began.elapsed();
        self.recorder.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.stats.count(&outcome, took);
        self.recorder.push(self.called.began + took, What::Ended(self.called.clone(), took, outcome));
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !self.ended {
            self.finish(Outcome::Cancelled);
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("last", &self.last()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::role::RoleSet;

    use super::*;
    use crate::telemetry::stats::Ended;

    fn called(recorder: &Arc<Recorder>, source: &str) -> Recording {
        struct Here;
        impl gateway_core::source::Dispatch for Here {
            fn snapshot(&self) -> Arc<gateway_core::snapshot::Snapshot> {
                unreachable!("nothing is looked up")
            }
            fn invoke<'a>(
                &'a self,
                _: &'a str,
                _: Option<gateway_core::payload::Json>,
                _: Arc<gateway_core::call::Call>,
            ) -> gateway_core::source::Fut<'a, Result<gateway_core::payload::Reply, gateway_core::error::CallError>>
            {
                unreachable!("nothing is called")
            }
        }
        let role = RoleSet::default().resolve(None).unwrap();
        let caller = gateway_core::call::Caller { role };
        let call = gateway_core::call::Call::root(caller, None, Arc::new(gateway_core::source::Nobody), Arc::new(Here));
        recorder.begin(Called {
            trace: call.trace(),
            role,
            source: SourceName::new(source).unwrap(),
            local: "t".into(),
            public: "a__t".into(),
            op: Op::CallTool,
            began: SystemTime::now(),
            arguments: None,
        })
    }

    #[test]
    fn a_call_that_is_dropped_was_cancelled() {
        let recorder = Recorder::new();
        let (first, second) = (called(&recorder, "a"), called(&recorder, "a"));
        assert_eq!(recorder.in_flight(), 2);
        first.end(Outcome::Ok);
        drop(second);
        assert_eq!(recorder.in_flight(), 0);
        let stats = recorder.stats(&SourceName::new("a").unwrap()).unwrap();
        assert_eq!((stats.counted(Ended::Ok), stats.counted(Ended::Cancelled)), (1, 1));
        let outcomes: Vec<_> = recorder.after(2).into_iter().map(|line| (line.id, line.what)).collect();
        assert!(matches!(
            &outcomes[..],
            [(3, What::Ended(_, _, Outcome::Ok)), (4, What::Ended(_, _, Outcome::Cancelled))]
        ));
        recorder.keep_only(|_| false);
        assert!(recorder.stats(&SourceName::new("a").unwrap()).is_none());
    }

    #[test]
    fn the_newest_lines_are_kept() {
        let recorder = Recorder::new();
        for at in 0..KEPT + 10 {
            let message = format!("{at}").into();
            recorder.say(Said { level: tracing::Level::INFO, source: None, event: true, message });
        }
        let kept = recorder.after(0);
        assert_eq!((kept.len(), kept[0].id), (KEPT, 11));
        assert_eq!(recorder.after(recorder.last() - 1).len(), 1);
        assert!(recorder.after(recorder.last()).is_empty());
    }
}
