//! Writes without end where nobody reads, and is content with it.

use std::io::Write;

use gateway_sdk::tool;

/// Write so many MiB to stdout and as many to stderr, in lines of 64 bytes.
#[tool]
fn flood(
    /** how many MiB */
    #[default(64)]
    mib: usize,
) -> String {
    let line = format!("{:.<63}\n", "flood ");
    for _ in 0..mib * 1024 * 1024 / line.len() {
        // What the gateway does not take is its own affair.
        let _ = std::io::stdout().write_all(line.as_bytes());
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    "flooded".to_owned()
}

/// Write one line to each of stdout and stderr.
#[tool]
fn say(
    /** the line */
    line: String,
) -> String {
    println!("{line}");
    eprintln!("{line}");
    "said".to_owned()
}

gateway_sdk::export!(flood, say);
