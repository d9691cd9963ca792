//! Writes files by every way that there is.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use gateway_sdk::tool;

/// Write so many bytes to a file, in one of several ways, and return how many there were room for.
#[tool]
fn write(
    path: String,
    /// `append`, `at`, `grow`, `folders`, `files` or `links`
    how: String,
    bytes: usize,
) -> Result<String, String> {
    let path = Path::new(&path);
    let chunk = [b'x'; 1000];
    let failed = |done: usize, error: std::io::Error| format!("after {done}: {:?}: {error}", error.kind());
    let mut file = match how.as_str() {
        "append" => OpenOptions::new().create(true).append(true).open(path),
        _ => File::create(path),
    }
    .map_err(|error| failed(0, error))?;
    for done in (0..bytes).step_by(chunk.len()) {
        let next = || path.with_extension(done.to_string());
        let written = match how.as_str() {
            "append" => file.write_all(&chunk),
            // The same place over and over.
            "at" => file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&chunk)),
            "grow" => file.set_len((done + chunk.len()) as u64),
            "folders" => fs::create_dir(next()),
            "files" => File::create(next()).map(drop),
            "links" => fs::hard_link(path, next()),
            _ => return Err("no such way".to_owned()),
        };
        written.map_err(|error| failed(done, error))?;
    }
    Ok(format!("{bytes} bytes"))
}

/// Give a file another name that leads to any place.
#[tool]
fn point(path: String, to: String) -> Result<(), String> {
    #[allow(deprecated, reason = "the only way to make a link that is the same on all systems")]
    fs::soft_link(to, path).map_err(|error| error.to_string())
}

gateway_sdk::export!(write, point);
