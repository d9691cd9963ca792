//! Slow steps, told to whoever shows them to a person.

use std::time::Duration;

use gateway_core::name::SourceName;

/// Is told of slow steps as they happen, on the thread that does them.
pub trait Observer: Send + Sync + 'static {
    /// A component of so many bytes is being compiled, which takes about a second per MB.
    fn compiling(&self, plugin: &SourceName, bytes: usize);

    /// It is compiled.
    fn compiled(&self, plugin: &SourceName, took: Duration);
}
