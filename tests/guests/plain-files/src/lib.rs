//! Reads the files of the folders that it was granted, by plain functions.

use std::{fs, io::ErrorKind, time::UNIX_EPOCH};

use exports::guests::plain_files::filesystem::{Failure, FileInfo, Guest, Kind};

wit_bindgen::generate!({ path: "wit", world: "filesystem-server" });

struct Plugin;

impl Guest for Plugin {
    fn list_directory(path: String) -> Result<Vec<String>, String> {
        let entries = fs::read_dir(&path).map_err(|error| format!("{path}: {error}"))?;
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        Ok(names)
    }

    fn read_file(path: String) -> Result<String, String> {
        fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))
    }

    fn search_file(path: String, pattern: String, limit: Option<u32>) -> Result<Vec<String>, String> {
        let text = Self::read_file(path)?;
        let lines = text.lines().filter(|line| line.contains(&pattern)).map(ToOwned::to_owned);
        Ok(lines.take(limit.map_or(usize::MAX, |limit| limit as usize)).collect())
    }

    fn get_file_info(path: String) -> Result<FileInfo, Failure> {
        let metadata = fs::metadata(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::NotFound(path.clone()),
            ErrorKind::PermissionDenied => Failure::Denied(path.clone()),
            _ => Failure::Other(error.to_string()),
        })?;
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Ok(FileInfo {
            name: path.rsplit('/').next().unwrap_or_default().to_owned(),
            kind: match metadata.file_type() {
                kind if kind.is_dir() => Kind::Directory,
                kind if kind.is_file() => Kind::File,
                _ => Kind::Other,
            },
            size: metadata.len(),
            modified: modified.map(|since| since.as_secs()),
        })
    }
}

export!(Plugin);
