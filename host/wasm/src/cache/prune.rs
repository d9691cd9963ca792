//! Throwing away what nobody has used for a long time.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How long something is kept after it was last used.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long a file that is being written may take: what is older was left by a program that was ended.
const UNFINISHED: Duration = Duration::from_secs(24 * 3600);

/// Files that say when something was last used are renewed where they are older.
pub(super) const RENEWED: Duration = Duration::from_secs(24 * 3600);

/// How a file is called that says of another when it was last used.
pub(super) fn use_of(path: &Path) -> PathBuf {
    path.with_added_extension("seen")
}

/// Removes what of `folder` was not used for long. A file that somebody has mapped lives on until it is let go.
pub(super) fn prune(folder: &Path, now: SystemTime) {
    if let Err(error) = try_prune(folder, now) {
        tracing::debug!("{}: old files stay there: {error}", folder.display());
    }
}

fn try_prune(folder: &Path, now: SystemTime) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let kept = match path.extension().and_then(|end| end.to_str()) {
            // It says of another file when that was used, and goes with it.
            Some("seen") => continue,
            Some("cwasm" | "json" | "lock" | "file") => KEPT,
            _ => UNFINISHED,
        };
        let used = fs::metadata(use_of(&path)).or_else(|_| fs::symlink_metadata(&path))?.modified()?;
        if now.duration_since(used).is_ok_and(|unused| unused > kept) {
            fs::remove_file(&path)?;
            // There need not be one.
            let _ = fs::remove_file(use_of(&path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_long_goes() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let make = |name: &str, days: u64| {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            file.set_modified(now - Duration::from_secs(days * 24 * 3600)).unwrap();
        };
        for name in ["old.cwasm", "old.offer2.json", "used.cwasm", "new.lock", "new.file", ".tmpnew"] {
            make(name, if name.contains("new") { 0 } else { 40 });
        }
        make("old.cwasm.seen", 31);
        make("used.cwasm.seen", 29);
        make(".tmpold", 2);
        prune(folder.path(), now);
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, [".tmpnew", "new.file", "new.lock", "used.cwasm", "used.cwasm.seen"]);
    }
}
