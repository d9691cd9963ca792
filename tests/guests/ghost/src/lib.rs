//! Leaves a trace of itself in every place that a call can reach, and tells what it sees of the last one.

use std::{
    cell::Cell,
    hint::black_box,
    sync::atomic::{AtomicU32, Ordering},
};

use gateway_sdk::tool;
use wasip2::clocks::monotonic_clock;

/// Not in any data: only in the code that looks for it, and where it was left.
const MARK: u64 = 0x6768_6f73_7421_9d31;
const PAGE: usize = 65536;

static COUNT: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static OWN: Cell<u32> = const { Cell::new(0) };
}

/// Tell what is there, and then leave a trace: in a static, a thread-local, the heap, the stack, low, at the end of the memory,
/// everywhere (wherever it is free), in new memory, or among the handles (leaked, or closed in another order).
#[tool]
fn haunt(place: String) -> String {
    let seen = look();
    match place.as_str() {
        "static" => drop(COUNT.fetch_add(1, Ordering::Relaxed)),
        "thread" => OWN.set(OWN.get() + 1),
        "heap" => Vec::leak(vec![MARK; 20_000]).fill(MARK),
        "stack" => deep(40),
        // Below the stack's end, where nothing is.
        "low" => (1..64).for_each(|place| write(place * 8)),
        "zero" => write(black_box(0)),
        "end" => (1..64).for_each(|place| write(size() - place * 8)),
        "grow" => {
            core::arch::wasm32::memory_grow(0, 2);
            (1..1000).for_each(|place| write(size() - place * 8));
        }
        "leak" => (0..3).for_each(|_| std::mem::forget(monotonic_clock::subscribe_duration(0))),
        "order" => {
            let [first, second, third] = [(); 3].map(|()| monotonic_clock::subscribe_duration(0));
            drop(second);
            drop(first);
            drop(third);
        }
        _ => {}
    }
    seen
}

fn look() -> String {
    // First of all, so that nothing that this call does is seen.
    let marks = (1..size() / 8).filter(|word| read(word * 8) == MARK).count() + usize::from(read(black_box(0)) == MARK);
    let (count, own, pages) = (COUNT.load(Ordering::Relaxed), OWN.get(), size() / PAGE);
    format!("{marks} marks, count {count}, own {own}, {pages} pages")
}

/// The number of the handle that comes next. To ask is to have one.
#[tool]
fn handle() -> u32 {
    monotonic_clock::subscribe_duration(0).handle()
}

fn size() -> usize {
    core::arch::wasm32::memory_size(0) * PAGE
}

fn read(place: usize) -> u64 {
    // SAFETY: within the memory, whatever is there.
    unsafe { std::ptr::with_exposed_provenance::<u64>(place).read_volatile() }
}

fn write(place: usize) {
    // SAFETY: it is meant to do harm, to this call's own memory alone.
    unsafe { std::ptr::with_exposed_provenance_mut::<u64>(place).write_volatile(MARK) };
}

#[inline(never)]
fn deep(more: u32) {
    let frame = black_box([MARK; 1000]);
    if more > 0 {
        deep(more - 1);
    }
    black_box(frame);
}

gateway_sdk::export!(haunt, handle);
