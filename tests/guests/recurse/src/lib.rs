//! Calls itself until the stack ends.

use gateway_sdk::tool;

/// Call yourself for ever.
#[tool]
fn recurse(
    /** where to begin */
    #[default(0)]
    depth: u64,
) -> u64 {
    down(depth)
}

/// Uses what comes back twice, so that no compiler makes a loop of it.
#[inline(never)]
#[allow(unconditional_recursion, reason = "the habit")]
fn down(depth: u64) -> u64 {
    let below = down(depth.wrapping_add(1));
    below.rotate_left(7) ^ below.wrapping_mul(depth | 1)
}

gateway_sdk::export!(recurse);
