//! Reserves all the address space there is, without touching a byte of it.

use gateway_sdk::tool;

/// Ask for so many pages of 64 KiB at once, again and again with half as many, and say how many it has then.
#[tool]
fn grow(
    /// how many pages at first
    #[default(65_535)]
    pages: usize,
) -> String {
    let mut step = pages;
    while step > 0 {
        if core::arch::wasm32::memory_grow::<0>(step) == usize::MAX {
            step /= 2;
        }
    }
    (core::arch::wasm32::memory_size::<0>() > 0).to_string()
}

gateway_sdk::export!(grow);
