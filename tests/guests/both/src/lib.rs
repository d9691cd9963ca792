//! Exports tools, and a plain function beside them, which is none.

use gateway_sdk::tool;

wit_bindgen::generate!({ path: "wit", world: "both" });

struct Plugin;

impl Guest for Plugin {
    fn add(a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }
}

/// Say hello.
#[tool]
fn hello() -> &'static str {
    "hello"
}

export!(Plugin);
gateway_sdk::export!(hello);
