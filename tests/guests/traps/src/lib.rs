//! Breaks off without a word, as WebAssembly does.

use gateway_sdk::tool;

/// Run into an `unreachable` instruction.
#[tool]
fn unreachable() {
    std::arch::wasm32::unreachable()
}

/// Read memory that there is not.
#[tool]
fn outside() -> u8 {
    let beyond = std::ptr::without_provenance::<u8>(usize::MAX - 16);
    // SAFETY: none: the address lies beyond the memory, which the engine has to notice.
    unsafe { beyond.read_volatile() }
}

gateway_sdk::export!(unreachable, outside);
