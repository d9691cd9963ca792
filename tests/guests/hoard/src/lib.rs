//! Takes memory until there is none.

use gateway_sdk::tool;

const CHUNK: usize = 1024 * 1024;

/// Take memory for ever, a MiB at a time, and touch all of it.
#[tool]
fn hoard() -> String {
    let mut hoard = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1_u8; CHUNK]));
    }
}

/// Take so many MiB, and say how many there were when the gateway refused more.
#[tool]
fn ask(
    /** how many MiB */
    mib: usize,
) -> Result<String, String> {
    let mut hoard = Vec::new();
    for taken in 0..mib {
        let mut chunk: Vec<u8> = Vec::new();
        chunk.try_reserve_exact(CHUNK).map_err(|error| format!("refused after {taken} MiB: {error}"))?;
        chunk.resize(CHUNK, 1);
        hoard.push(std::hint::black_box(chunk));
    }
    Ok(format!("{} MiB", hoard.len()))
}

gateway_sdk::export!(hoard, ask);
