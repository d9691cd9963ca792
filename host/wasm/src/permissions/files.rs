//! Which folders a plugin sees, and what in them it may open.

use crate::config::FileGrant;

/// What a folder's entry is, as far as it is decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A file, a folder, a link, or nothing yet.
    Plain,
    /// A pipe, a device or a socket: opening one may wait for another process for ever, and reaches beyond the folder.
    Special,
}

/// Whether such an entry may be opened.
pub(crate) fn may_open(entry: Entry) -> bool {
    entry == Entry::Plain
}

/// The folders that are granted and asked for, under the same name; they may be changed where both say so. Where on this
/// machine they are, whoever grants says.
pub(super) fn both(granted: &[FileGrant], asked: &[FileGrant]) -> Box<[FileGrant]> {
    let meet = |grant: &FileGrant| {
        let same: Vec<&FileGrant> = asked.iter().filter(|ask| mount(ask) == mount(grant)).collect();
        let write = grant.write && same.iter().any(|ask| ask.write);
        (!same.is_empty()).then(|| FileGrant { write, ..grant.clone() })
    };
    granted.iter().filter_map(meet).collect()
}

/// What of the grants has no effect, since it is not asked for.
pub(super) fn unasked<'g>(granted: &'g [FileGrant], asked: &'g [FileGrant]) -> impl Iterator<Item = String> + 'g {
    granted.iter().filter_map(|grant| {
        let mut same = asked.iter().filter(|ask| mount(ask) == mount(grant)).peekable();
        match same.peek().is_some() {
            false => Some(format!("files {}", grant.mount)),
            true if grant.write && !same.any(|ask| ask.write) => Some(format!("writing to files {}", grant.mount)),
            true => None,
        }
    })
}

/// `/data/` is `/data`.
fn mount(grant: &FileGrant) -> &str {
    grant.mount.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(path: &str, mount: &str, write: bool) -> FileGrant {
        FileGrant { path: path.into(), mount: mount.to_owned(), write }
    }

    #[test]
    fn folders_are_those_of_both() {
        let table = [
            (grant("/a", "/data", true), grant("x", "/data", true), Some(true)),
            (grant("/a", "/data", true), grant("x", "/data/", false), Some(false)),
            (grant("/a", "/data", false), grant("x", "/data", true), Some(false)),
            (grant("/a", "/data", true), grant("/a", "/other", true), None),
            (grant("/a", "/data", true), grant("/a", "/data/below", true), None),
            (grant("/a", "/", false), grant("x", "/", false), Some(false)),
        ];
        for (granted, asked, write) in table {
            let found = both(std::slice::from_ref(&granted), std::slice::from_ref(&asked));
            let expected = write.map(|write| FileGrant { write, ..granted.clone() });
            assert_eq!(found.first(), expected.as_ref(), "{granted:?} {asked:?}");
        }
    }

    #[test]
    fn what_has_no_effect_is_told() {
        let granted = [grant("/a", "/a", true), grant("/b", "/b", true), grant("/c", "/c", false)];
        let asked = [grant("", "/a", true), grant("", "/b", false)];
        assert_eq!(unasked(&granted, &asked).collect::<Vec<_>>(), ["writing to files /b", "files /c"]);
    }

    #[test]
    fn special_files_stay_closed() {
        assert!(may_open(Entry::Plain));
        assert!(!may_open(Entry::Special));
    }
}
