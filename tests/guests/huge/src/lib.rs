//! Returns more than anybody wants.

use gateway_sdk::{Content, ToolResult, tool};

const MIB: usize = 1024 * 1024;

/// Return so many MiB of text.
#[tool]
fn text(
    /** how many MiB */
    #[default(100)]
    mib: usize,
) -> String {
    "x".repeat(mib * MIB)
}

/// Return an image of so many MiB.
#[tool]
fn image(
    /** how many MiB */
    #[default(100)]
    mib: usize,
) -> Content {
    Content::image(vec![0; mib * MIB], "image/png")
}

/// Return so many pieces with nothing in them, which cost the gateway more than the plugin.
#[tool]
fn pieces(
    /** how many */
    #[default(2_000_000)]
    count: usize,
) -> Vec<Content> {
    vec![Content::text(""); count]
}

/// Return structured content that nests so deep.
#[tool]
fn nest(
    /** how deep */
    #[default(100)]
    depth: usize,
) -> ToolResult {
    let mut value = gateway_sdk::serde_json::Value::Null;
    for _ in 0..depth {
        value = gateway_sdk::serde_json::json!([value]);
    }
    ToolResult::new().with("nested").with_structured(&value)
}

gateway_sdk::export!(text, image, pieces, nest);
