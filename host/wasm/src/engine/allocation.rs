//! How instances get their memory: from a pool where the machine has the address space for it.

use std::fmt;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// How instances get their memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// From a pool of so many memories, reserved at once: an instance takes microseconds. Each memory reserves 4 GiB of
    /// address space, and no memory.
    Pool(u32),
    /// From the system, for each instance: some times slower, and works where address space is scarce.
    OnDemand,
}

/// The pools that are tried, largest first.
const POOLS: [u32; 3] = [1024, 128, 16];

/// Instances at the same time without a pool.
const ON_DEMAND_MEMORIES: u32 = 256;

/// What stays of the pages that a call wrote to, for the next call to find: all that a plugin in Rust or JavaScript writes
/// to, since a page is cleared in a tenth of the time that it takes to give it back and to ask for it again. Without
/// PAGEMAP_SCAN (Linux 6.7) so much of every memory would be cleared each time, which costs more than it saves.
const KEEP_MEMORY: usize = 512 * 1024;
const KEEP_TABLE: usize = 64 * 1024;

/// Memories that rest with what stays of them: what the gateway keeps at most after its busiest time is this many times
/// [`KEEP_MEMORY`].
const RESTING: u32 = 64;

/// Tables beside each memory: components have one or two, those that link dynamically some more.
const TABLES_PER_MEMORY: u32 = 4;
const TABLE_ENTRIES: usize = 100_000;
const TABLES_PER_MODULE: u32 = 16;
const MEMORIES_PER_MODULE: u32 = 8;

/// What a component and its core instances take in the host besides their memories.
const INSTANCE_BYTES: usize = 4 * 1024 * 1024;

/// Stack of a guest, and of the host functions that run on top of it.
pub(crate) const WASM_STACK: usize = 512 * 1024;
const ASYNC_STACK: usize = 2 * 1024 * 1024;

impl Allocation {
    /// How many memories there can be at the same time.
    #[must_use]
    pub fn memories(self) -> u32 {
        match self {
            Self::Pool(memories) => memories,
            Self::OnDemand => ON_DEMAND_MEMORIES,
        }
    }
}

impl fmt::Display for Allocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool(memories) => write!(f, "a pool of {memories} memories"),
            Self::OnDemand => f.write_str("memory on demand"),
        }
    }
}

/// How much of `room` memories a component takes.
pub(crate) fn weight(component: &wasmtime::component::Component) -> u32 {
    let Some(needs) = component.resources_required() else { return 1 };
    needs.num_memories.max(needs.num_tables.div_ceil(TABLES_PER_MEMORY)).max(1)
}

/// An engine as `wanted`, or the best that this machine allows.
pub(super) fn engine(wanted: Option<Allocation>, counts_fuel: bool) -> wasmtime::Result<(Engine, Allocation)> {
    let engine = |allocation| Engine::new(config(allocation).consume_fuel(counts_fuel));
    if let Some(wanted) = wanted {
        return Ok((engine(wanted)?, wanted));
    }
    for pool in POOLS.map(Allocation::Pool) {
        match engine(pool) {
            Ok(engine) => return Ok((engine, pool)),
            Err(error) => tracing::debug!("{pool} does not fit on this machine: {error:#}"),
        }
    }
    Ok((engine(Allocation::OnDemand)?, Allocation::OnDemand))
}

/// An engine that compiles for those of this kind.
pub(super) fn compiler(allocation: Allocation, counts_fuel: bool) -> wasmtime::Result<Engine> {
    // How many instances there can be makes no difference to their code.
    let least = match allocation {
        Allocation::Pool(_) => Allocation::Pool(1),
        Allocation::OnDemand => Allocation::OnDemand,
    };
    Engine::new(config(least).consume_fuel(counts_fuel))
}

fn config(allocation: Allocation) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // The machinery for asynchronous components doubles the price of a call, and no plugin can use it.
        .concurrency_support(false)
        .cranelift_opt_level(OptLevel::Speed)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(ASYNC_STACK)
        // Nobody is told where in its code a guest ended: a panic says it better, and most tools leave no names there.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        // For debuggers of the gateway alone, and the C library looks through all of it whenever a component is loaded.
        .native_unwind_info(cfg!(windows));
    match allocation {
        Allocation::Pool(memories) => config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(memories))),
        // Address space is scarce: memories start small and move as they grow.
        Allocation::OnDemand => config
            .memory_reservation(0)
            .memory_guard_size(64 * 1024)
            .memory_reservation_for_growth(1024 * 1024)
            .allocation_strategy(InstanceAllocationStrategy::OnDemand),
    };
    config
}

fn pool(memories: u32) -> PoolingAllocationConfig {
    let scan = PoolingAllocationConfig::is_pagemap_scan_available();
    let keep = |bytes| if scan { bytes } else { 0 };
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(memories)
        .total_tables(memories * TABLES_PER_MEMORY)
        .total_component_instances(memories)
        .total_core_instances(u32::MAX)
        .total_stacks(memories)
        .max_unused_warm_slots(RESTING)
        .max_memories_per_module(MEMORIES_PER_MODULE)
        .max_tables_per_module(TABLES_PER_MODULE)
        .table_elements(TABLE_ENTRIES)
        .max_component_instance_size(INSTANCE_BYTES)
        .max_core_instance_size(INSTANCE_BYTES)
        .pagemap_scan(if scan { Enabled::Auto } else { Enabled::No })
        .linear_memory_keep_resident(keep(KEEP_MEMORY))
        .table_keep_resident(keep(KEEP_TABLE));
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rung_of_the_ladder_holds() {
        for wanted in [Allocation::Pool(16), Allocation::OnDemand] {
            let (_, got) = engine(Some(wanted), false).unwrap();
            assert_eq!(got, wanted);
        }
        assert!(matches!(engine(None, true).unwrap().1, Allocation::Pool(_)));
    }
}
