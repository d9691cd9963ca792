//! How a source is doing.

/// What a source does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// Nothing runs; the next call starts it.
    Idle,
    /// It is being started.
    Starting,
    /// It answers.
    Running,
    /// The last start or call failed; `error` says why. The next call tries again.
    Failed,
}

/// How a source is doing.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SourceStatus {
    /// What kind of source: `server`, `plugin` or `gateway`.
    pub kind: &'static str,
    /// What it does at the moment.
    pub state: State,
    /// How often it was started.
    pub starts: u64,
    /// How many calls are in flight.
    pub calls: usize,
    /// How many tools are known; missing: not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<usize>,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
