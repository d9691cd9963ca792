use gateway_sdk::tool;

struct Plain;

/// Takes what has no schema.
#[tool]
fn take(_plain: Plain) {}

/// Returns what is no result.
#[tool]
fn give() -> Plain {
    Plain
}

/// The default is of another type.
#[tool]
fn default(#[default("ten")] _limit: u32, #[default(1.5)] _count: u8) {}

fn main() {}
