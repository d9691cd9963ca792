use std::path::Path;

use gateway_sdk::tool;

/// Many mistakes, all told at once.
#[tool]
fn take(
    text: &str,
    list: &[u8],
    path: &Path,
    number: &mut u32,
    name: impl ToString,
    (a, b): (u8, u8),
    _: u8,
    #[serde(rename = "b")] c: u8,
    #[default = 3] d: u8,
    #[schema(minimum = 1 + 1)] e: u8,
) {
}

fn main() {}
