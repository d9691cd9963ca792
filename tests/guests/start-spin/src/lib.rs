//! Spins while its instance is made, before anybody has called it.

use gateway_sdk::tool;

extern "C" fn spin() {
    loop {
        std::hint::black_box(());
    }
}

/// Run by `_initialize`, as the constructors of C++ are.
#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = spin;

/// Say so, if it ever comes to that.
#[tool]
fn run() -> String {
    "it came to life".to_owned()
}

gateway_sdk::export!(run);
