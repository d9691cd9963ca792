//! Never gives the processor back.

use gateway_sdk::tool;

/// Work for ever.
#[tool]
fn spin() {
    loop {
        std::hint::black_box(());
    }
}

gateway_sdk::export!(spin);
