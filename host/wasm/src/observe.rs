//! What calls take, and slow steps: told to whoever shows them to a person.

use std::time::Duration;

use gateway_core::name::SourceName;

/// Is told of slow steps as they happen, on the thread that does them.
pub trait Observer: Send + Sync + 'static {
    /// A component of so many bytes is being compiled, which takes about a second per MB.
    fn compiling(&self, plugin: &SourceName, bytes: usize);

    /// It is compiled.
    fn compiled(&self, plugin: &SourceName, took: Duration);
}

/// What one call took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Measured {
    /// WebAssembly operations, the making of the instance included: always the same for a call that sees the same clock
    /// and the same random numbers. `None`: they were not counted (see
    /// [`PluginSettings::counts_fuel`](crate::PluginSettings)), or the guest was ended from outside.
    pub fuel: Option<u64>,
    /// The most bytes that its memories and tables had together; 0 where the guest was ended from outside.
    pub memory: u64,
    /// The making of its instance, or what it took to have one that was used before.
    pub instance: Duration,
    /// Whether that was a new one.
    pub is_new: bool,
    /// From its turn, once the plugin was loaded and the call had a place, to its result.
    pub time: Duration,
    /// How much of that it had a processor.
    pub busy: Duration,
}
