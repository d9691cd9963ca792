//! Files that the gateway carries and writes down where a plugin is begun or built, since they are published nowhere: the
//! WIT, and what plugins in each language are written with.
//!
//! * [`js`]: the package `gateway-sdk`, and what builds plugins with it.
//! * [`python`]: the package `gateway_sdk`.
//! * [`rust`]: the crate `gateway-sdk`.

pub mod js;
pub mod python;
pub mod rust;

use std::{fs, io, path::Path};

/// A file by its path below a folder, with `/`, and its bytes.
pub type Carried = (&'static str, &'static [u8]);

/// Files below a folder of this package, by their paths in it. What lies elsewhere in the repository is there by links,
/// so that cargo packs it. `=>` says what a file is called there: cargo packs no folder with a `Cargo.toml`.
macro_rules! carried {
    ($folder:literal: $($file:literal $(=> $kept:literal)?),+ $(,)?) => {
        &[$((
            $file,
            include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/", $folder, "/", $crate::packages::embedded::carried!(@ $file $($kept)?)
            )),
        )),+]
    };
    (@ $file:literal) => { $file };
    (@ $file:literal $kept:literal) => { $kept };
}
pub(crate) use carried;

/// The package `gateway:plugin`, with the packages that it uses in `deps`.
pub const WIT: &[Carried] = carried!("carried/wit":
    "completions.wit",
    "deps/wasi-keyvalue/keyvalue.wit",
    "filter.wit",
    "host.wit",
    "prompts.wit",
    "resources.wit",
    "tool.wit",
    "types.wit",
    "world.wit",
);

/// Makes `folder` hold `files` and nothing else. They are written beside it first: who looks finds all of them or none,
/// and where they are there already nothing is touched.
///
/// # Errors
/// What the operating system says, with the file's name.
pub fn write(files: &[Carried], folder: &Path) -> io::Result<()> {
    if holds(folder, files) {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let written = tempfile::Builder::new().prefix(".writing").tempdir_in(parent)?;
    let new = written.path().join("new");
    for (path, bytes) in files {
        let file = new.join(path);
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
        fs::create_dir_all(file.parent().unwrap_or(&new)).map_err(named)?;
        fs::write(&file, bytes).map_err(named)?;
    }
    // A folder that is not empty cannot be replaced in one step.
    match fs::rename(folder, written.path().join("old")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match fs::rename(&new, folder) {
        // Another build was faster, with the same files.
        Err(_) if holds(folder, files) => Ok(()),
        result => result,
    }
}

/// Whether `folder` holds these files; further ones count where they are as visible as these.
fn holds(folder: &Path, files: &[Carried]) -> bool {
    files.iter().all(|(path, bytes)| fs::read(folder.join(path)).is_ok_and(|found| found == *bytes))
        && count(folder).is_ok_and(|count| count == files.len())
}

/// How many files there are, apart from what Python keeps beside its modules.
fn count(folder: &Path) -> io::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        count += match entry.file_type()?.is_dir() {
            true if entry.file_name() == "__pycache__" => 0,
            true => self::count(&entry.path())?,
            false => 1,
        };
    }
    Ok(count)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// That each file of `folder` in this package with one of these endings is carried.
    pub(in crate::packages) fn assert_complete(files: &[Carried], folder: &str, endings: &[&str]) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut found = Vec::new();
        let mut folders = vec![folder.clone()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(&next).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if path.is_dir() && name != "__pycache__" {
                    folders.push(path);
                } else if endings.iter().any(|ending| name.ends_with(ending)) {
                    let path = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
                    found.push(path.strip_suffix(".kept").map_or(path.clone(), str::to_owned));
                }
            }
        }
        found.sort();
        let carried: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        assert_eq!(carried, found, "{}", folder.display());
    }

    #[test]
    fn all_of_the_wit_is_carried() {
        assert_complete(WIT, "carried/wit", &[".wit"]);
    }

    #[test]
    fn a_folder_holds_what_was_written_last() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("a/b");
        write(&[("x.txt", b"1"), ("in/y.txt", b"2")], &folder).unwrap();
        assert_eq!(fs::read(folder.join("in/y.txt")).unwrap(), b"2");
        write(&[("x.txt", b"3")], &folder).unwrap();
        assert_eq!(fs::read(folder.join("x.txt")).unwrap(), b"3");
        assert!(!folder.join("in").exists());
        assert_eq!(fs::read_dir(temp.path().join("a")).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn what_is_there_already_stays() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("a");
        write(&[("x.txt", b"1")], &folder).unwrap();
        let before = fs::metadata(folder.join("x.txt")).unwrap().modified().unwrap();
        fs::create_dir(folder.join("__pycache__")).unwrap();
        fs::write(folder.join("__pycache__/x.pyc"), "").unwrap();
        write(&[("x.txt", b"1")], &folder).unwrap();
        assert_eq!(fs::metadata(folder.join("x.txt")).unwrap().modified().unwrap(), before);
        assert!(folder.join("__pycache__").exists());
    }
}
