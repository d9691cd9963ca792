//! Asks the host for the time, again and again, without ever waiting.

use std::time::Instant;

use gateway_sdk::tool;

/// Watch the clock for so long.
#[tool]
fn watch(
    /// for how many milliseconds
    #[default(3_600_000)]
    milliseconds: u64,
) -> String {
    let (start, mut looks) = (Instant::now(), 0_u64);
    while start.elapsed().as_millis() < u128::from(milliseconds) {
        looks += 1;
    }
    // How often depends on the machine.
    (looks > 0).to_string()
}

gateway_sdk::export!(watch);
