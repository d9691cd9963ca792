//! Opens any path that it is told, and says what came of it.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use gateway_sdk::{Json, tool};

const MIB: usize = 1024 * 1024;

/// Read a text file.
#[tool]
fn read(
    /** its path */
    path: PathBuf,
) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| error.to_string())
}

/// Write a text file.
#[tool]
fn write(
    /** its path */
    path: PathBuf,
    /** what to write */
    text: String,
) -> Result<(), String> {
    fs::write(path, text).map_err(|error| error.to_string())
}

/// List the names in a folder.
#[tool]
fn list(
    /** its path */
    path: PathBuf,
) -> Result<Json<Vec<String>>, String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| error.to_string())? {
        names.push(entry.map_err(|error| error.to_string())?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(Json(names))
}

/// Remove a file.
#[tool]
fn remove(
    /** its path */
    path: PathBuf,
) -> Result<(), String> {
    fs::remove_file(path).map_err(|error| error.to_string())
}

/// Move a file.
#[tool(name = "move")]
fn rename(
    /** its path */
    from: PathBuf,
    /** its new path */
    to: PathBuf,
) -> Result<(), String> {
    fs::rename(from, to).map_err(|error| error.to_string())
}

/// Give a file a second name.
#[tool]
fn link(
    /** its path */
    from: PathBuf,
    /** its second path */
    to: PathBuf,
) -> Result<(), String> {
    fs::hard_link(from, to).map_err(|error| error.to_string())
}

/// Write so many MiB to a file, a MiB at a time.
#[tool]
fn fill(
    /** its path */
    path: PathBuf,
    /** how many MiB */
    #[default(100)]
    mib: usize,
) -> Result<String, String> {
    let mut file = File::create(path).map_err(|error| error.to_string())?;
    let chunk = vec![b'x'; MIB];
    for written in 0..mib {
        file.write_all(&chunk).map_err(|error| format!("after {written} MiB: {error}"))?;
    }
    Ok(format!("{mib} MiB"))
}

/// Keep a file open so many times at once.
#[tool]
fn open(
    /** its path */
    path: PathBuf,
    /** how many times */
    #[default(10_000)]
    times: usize,
) -> Result<String, String> {
    let mut open = Vec::new();
    for count in 0..times {
        open.push(File::open(&path).map_err(|error| format!("after {count}: {error}"))?);
    }
    Ok(format!("{} times", open.len()))
}

gateway_sdk::export!(read, write, list, remove, rename, link, fill, open);
