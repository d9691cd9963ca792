//! What tells that a file is still what it was, without reading it.

use std::{fs, path::Path, time::Duration};

/// A file as it was at some time, in the words of the file system. The time of the last change of its entry is among
/// them, which no program can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp(String);

/// How fine the times of a file system may be. A file that was changed less than that ago could be changed again, and
/// look the same.
const GRAIN: Duration = Duration::from_secs(2);

impl Stamp {
    /// The file at `path` as it is now, together with whatever else decides what is made of it. `None` where a change
    /// could go unseen, or there is no such file.
    #[must_use]
    pub fn of(path: &Path, besides: &str) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Self::settled(&metadata, GRAIN)?;
        Some(Self(format!("{}\n{}\n{besides}", path.display(), told(&metadata)?)))
    }

    /// The file of this metadata, in a folder where nobody else writes.
    pub(super) fn own(metadata: &fs::Metadata) -> Option<Self> {
        told(metadata).map(Self)
    }

    /// `None` where the last change was less than `grain` ago.
    #[cfg(unix)]
    fn settled(metadata: &fs::Metadata, grain: Duration) -> Option<()> {
        use std::os::unix::fs::MetadataExt;
        let changed = Duration::new(u64::try_from(metadata.ctime()).ok()?, u32::try_from(metadata.ctime_nsec()).ok()?);
        let age = std::time::SystemTime::UNIX_EPOCH.elapsed().ok()?.checked_sub(changed)?;
        (age >= grain).then_some(())
    }

    #[cfg(not(unix))]
    fn settled(_: &fs::Metadata, _: Duration) -> Option<()> {
        None
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(unix)]
fn told(metadata: &fs::Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let (modified, changed) = ((metadata.mtime(), metadata.mtime_nsec()), (metadata.ctime(), metadata.ctime_nsec()));
    Some(format!("{} {} {} {modified:?} {changed:?}", metadata.dev(), metadata.ino(), metadata.size()))
}

#[cfg(not(unix))]
fn told(_: &fs::Metadata) -> Option<String> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_has_just_changed_has_no_stamp() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(Stamp::of(file.path(), ""), None);
        let metadata = file.as_file().metadata().unwrap();
        assert!(Stamp::settled(&metadata, Duration::ZERO).is_some());
        assert!(Stamp::own(&metadata).is_some());
        assert_eq!(Stamp::of(Path::new("/no/such/file"), ""), None);
    }

    #[test]
    fn a_change_makes_another_stamp() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "one").unwrap();
        let before = Stamp::own(&fs::metadata(file.path()).unwrap());
        // Until the file system's clock has gone on, as it does a hundred times a second.
        let after = loop {
            fs::write(file.path(), "two").unwrap();
            let after = Stamp::own(&fs::metadata(file.path()).unwrap());
            if after != before {
                break after;
            }
        };
        // Turning the time of the content back does not make it the old file again.
        let old = std::time::SystemTime::UNIX_EPOCH;
        file.as_file().set_modified(old).unwrap();
        assert_ne!(Stamp::own(&file.as_file().metadata().unwrap()), after);
    }
}
