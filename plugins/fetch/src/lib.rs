//! Web pages as readable text.

mod decode;
mod html;
mod http;
mod page;
mod writer;

use gateway_sdk::tool;

/// Get a web page, or any other text, by HTTP. HTML comes as readable text in Markdown; a page that is longer than
/// `max_length` comes in pieces, and each says where the next one starts.
///
/// Only hosts that this plugin was granted can be reached.
#[tool(title = "Fetch a web page", read_only, idempotent, open_world)]
async fn fetch(
    /// the address, such as `https://example.com/page`
    url: String,
    /// how many characters to return at most
    #[default(10_000)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    max_length: usize,
    /// from which character of the text on, for the pieces after the first
    #[default(0)]
    start: usize,
    /// return the text as the server sent it, HTML included
    #[default]
    raw: bool,
) -> Result<String, String> {
    let answer = http::get(http::address(&url)?).await?;
    let status = answer.status;
    let page = page::read(answer, raw)?;
    let piece = page.piece(start, max_length)?;
    if status.is_success() { Ok(piece) } else { Err(format!("the server answers {status}\n\n{piece}")) }
}

gateway_sdk::export!(fetch);
