//! How much one call may use, and the meter in its instance.

use std::{
    fmt::Display,
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};

use gateway_core::units::Size;
use wasmtime::ResourceLimiter;

use crate::config::LimitsConfig;

/// What one call may use, and how many calls run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All memories and tables of an instance together.
    pub memory: Size,
    /// From the call to its answer, waiting included.
    pub time: Duration,
    /// What a call returns: content and structured content together.
    pub output: Size,
    /// Calls at the same time, at each depth of nesting.
    pub concurrency: NonZeroU32,
    /// Calls that wait for their turn, at each depth of nesting.
    pub queue: u32,
    /// WebAssembly operations of one call, the making of its instance included; `None`: they are not counted.
    pub fuel: Option<NonZeroU64>,
    /// What it may keep from call to call.
    pub storage: Size,
    /// What one call may write into folders.
    pub files: Size,
    /// What one call may receive over HTTP, and what it may send.
    pub network: Size,
}

/// What a call may write to the log, to standard output and to standard error, each.
pub(crate) const LOG_BYTES: usize = 64 * 1024;

/// What the host takes from a guest in one go besides the output: bodies of HTTP requests, arguments of nested calls.
const HOSTCALL_BYTES: usize = 1024 * 1024 + 64 * 1024;

/// Core instances in one component; languages with dynamic linking make one per library.
const INSTANCES: usize = 1024;
/// Tables in one component.
const TABLES: usize = 256;
/// Memories in one component.
const MEMORIES: usize = 64;
/// What an entry of a table takes.
const TABLE_ENTRY: usize = size_of::<usize>();

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: Size::mib(64),
            time: Duration::from_secs(10),
            output: Size::mib(4),
            concurrency: const { NonZeroU32::new(16).unwrap() },
            queue: 256,
            fuel: None,
            storage: Size::bytes(0),
            files: Size::mib(64),
            network: Size::mib(64),
        }
    }
}

impl Limits {
    /// What `gateway.yaml` says, and the defaults.
    #[must_use]
    pub fn new(config: &LimitsConfig) -> Self {
        let default = Self::default();
        Self {
            memory: config.memory.unwrap_or(default.memory),
            time: config.time.map_or(default.time, |time| time.duration()),
            output: config.output.unwrap_or(default.output),
            concurrency: config.concurrency.unwrap_or(default.concurrency),
            queue: config.queue.unwrap_or(default.queue),
            fuel: config.fuel,
            storage: config.storage.unwrap_or(default.storage),
            files: config.files.unwrap_or(default.files),
            network: config.network.unwrap_or(default.network),
        }
    }

    /// The same, nowhere above `caps`: whichever is smaller holds, be it a default.
    #[must_use]
    pub fn capped(self, caps: &LimitsConfig) -> Self {
        fn least<T: Ord + Copy>(own: T, cap: Option<T>) -> T {
            cap.map_or(own, |cap| own.min(cap))
        }
        Self {
            memory: least(self.memory, caps.memory),
            time: least(self.time, caps.time.map(|time| time.duration())),
            output: least(self.output, caps.output),
            concurrency: least(self.concurrency, caps.concurrency),
            queue: least(self.queue, caps.queue),
            fuel: self.fuel.into_iter().chain(caps.fuel).min(),
            storage: least(self.storage, caps.storage),
            files: least(self.files, caps.files),
            network: least(self.network, caps.network),
        }
    }

    /// The output limit in bytes.
    pub(crate) fn output_bytes(&self) -> usize {
        usize::try_from(self.output.get()).unwrap_or(usize::MAX)
    }

    /// How much the host may copy out of the guest in one go. It bounds lists of empty things as well, whose cost is in
    /// the host alone. Twice the output, since a list costs its elements besides what they hold.
    pub(crate) fn hostcall_bytes(&self) -> usize {
        self.output_bytes().saturating_mul(2).max(HOSTCALL_BYTES)
    }
}

/// A limit of a plugin that is cut, since it is above the cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Its key.
    pub key: &'static str,
    /// What the plugin's own configuration says.
    pub own: String,
    /// What holds.
    pub cap: String,
}

/// Those of `own` that `caps` cuts.
#[must_use]
pub fn cuts(own: &LimitsConfig, caps: &LimitsConfig) -> Vec<Cut> {
    fn cut<T: Ord + Display>(key: &'static str, own: Option<T>, cap: Option<T>) -> Option<Cut> {
        let (own, cap) = own.zip(cap).filter(|(own, cap)| own > cap)?;
        Some(Cut { key, own: own.to_string(), cap: cap.to_string() })
    }
    let cuts = [
        cut("memory", own.memory, caps.memory),
        cut("time", own.time, caps.time),
        cut("output", own.output, caps.output),
        cut("concurrency", own.concurrency, caps.concurrency),
        cut("queue", own.queue, caps.queue),
        cut("fuel", own.fuel, caps.fuel),
        cut("storage", own.storage, caps.storage),
        cut("files", own.files, caps.files),
        cut("network", own.network, caps.network),
    ];
    cuts.into_iter().flatten().collect()
}

/// `64 MiB`, as messages say it.
pub(crate) fn spoken_size(size: Size) -> String {
    let text = size.to_string();
    match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) if !text[at..].starts_with(' ') => format!("{} {}", &text[..at], &text[at..]),
        _ => text,
    }
}

/// `10 s`, as messages say it.
pub(crate) fn spoken_time(time: Duration) -> String {
    match time.as_millis() {
        millis if millis % 1000 == 0 => format!("{} s", millis / 1000),
        millis if millis > 1000 => format!("{} s", millis as f64 / 1000.0),
        millis => format!("{millis} ms"),
    }
}

/// Counts the memory of one instance: all memories and tables together, since a limit for each would let a component
/// take as many times the limit as it has memories.
#[derive(Debug)]
pub(crate) struct Meter {
    limit: usize,
    /// All that was taken: no memory of WebAssembly ever shrinks, so that this is the peak too.
    used: usize,
    refused: bool,
    is_paused: bool,
}

impl Meter {
    pub(crate) fn new(limit: Size) -> Self {
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        Self { limit, used: 0, refused: false, is_paused: false }
    }

    /// What the gateway itself keeps in the instance is not the guest's.
    pub(crate) fn pause(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
    }

    /// Another call begins.
    pub(crate) fn begin(&mut self) {
        self.refused = false;
    }

    /// Bytes that the instance has.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Whether it has more than half of what it may have.
    pub(crate) fn is_stout(&self) -> bool {
        self.used > self.limit / 2
    }

    /// Whether the guest asked for more than there was.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// Takes note of something that grows. A guest that is refused sees its allocation fail and may do with less.
    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        // Past its own maximum it fails anyway, and is not counted.
        if self.is_paused || maximum.is_some_and(|maximum| desired > maximum) {
            return true;
        }
        let wanted = self.used.saturating_add(desired.saturating_sub(current));
        if wanted > self.limit {
            self.refused = true;
            return false;
        }
        self.used = wanted;
        true
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, maximum))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let bytes = |entries: usize| entries.saturating_mul(TABLE_ENTRY);
        Ok(self.grow(bytes(current), bytes(desired), maximum.map(bytes)))
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_count_together() {
        let mut meter = Meter::new(Size::bytes(100));
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(meter.memory_growing(0, 40, None).unwrap());
        assert!(!meter.refused());
        assert!(!meter.memory_growing(40, 41, None).unwrap());
        assert!(meter.refused());
    }

    #[test]
    fn the_smaller_limit_holds() {
        let caps: LimitsConfig =
            serde_json::from_str(r#"{"memory":"32MiB","time":"1h","queue":3,"fuel":5,"storage":"1MiB"}"#).unwrap();
        let limits = Limits::default().capped(&caps);
        assert_eq!((limits.memory, limits.time), (Size::mib(32), Duration::from_secs(10)));
        assert_eq!((limits.queue, limits.fuel), (3, NonZeroU64::new(5)));
        assert_eq!(limits.storage, Size::bytes(0));
        let own = Limits { fuel: NonZeroU64::new(2), storage: Size::mib(9), ..Limits::default() };
        let limits = own.capped(&caps);
        assert_eq!((limits.fuel, limits.storage), (NonZeroU64::new(2), Size::mib(1)));
        assert_eq!(own.capped(&LimitsConfig::default()), own);
        let own: LimitsConfig = serde_json::from_str(r#"{"memory":"64MiB","time":"1m","fuel":6}"#).unwrap();
        let cut = |key, own: &str, cap: &str| Cut { key, own: own.to_owned(), cap: cap.to_owned() };
        assert_eq!(cuts(&own, &caps), [cut("memory", "64MiB", "32MiB"), cut("fuel", "6", "5")]);
    }

    #[test]
    fn tables_count_by_their_entries() {
        let mut meter = Meter::new(Size::bytes(100));
        assert!(meter.table_growing(0, 12, None).unwrap());
        assert!(!meter.table_growing(12, 13, None).unwrap());
    }

    #[test]
    fn what_fails_by_itself_is_not_counted() {
        let mut meter = Meter::new(Size::bytes(100));
        assert!(meter.memory_growing(0, 1000, Some(50)).unwrap());
        assert!(!meter.refused());
        assert!(meter.memory_growing(0, 100, Some(100)).unwrap());
    }

    #[test]
    fn limits_are_said_as_people_say_them() {
        assert_eq!(spoken_size(Size::mib(64)), "64 MiB");
        assert_eq!(spoken_size(Size::bytes(1500)), "1500 bytes");
        assert_eq!(spoken_time(Duration::from_secs(10)), "10 s");
        assert_eq!(spoken_time(Duration::from_millis(1500)), "1.5 s");
        assert_eq!(spoken_time(Duration::from_millis(200)), "200 ms");
    }
}
