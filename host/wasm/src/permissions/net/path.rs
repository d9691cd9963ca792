//! Paths of requests, held against the beginning of a path.
//!
//! A server may read a path in other ways than it is written: with `..` taken out, `//` made one, `%2f` made `/`. Where a
//! beginning is granted, a path that could be read in another way than it is compared here is refused.

/// The beginning of a path, in whole segments. None of them: any path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Prefix(Box<[String]>);

impl Prefix {
    /// `/repos/` or `/repos`, which mean the same; `None` where there is more than one way to read it.
    pub(super) fn new(path: &str) -> Option<Self> {
        segments(path).map(|segments| Self(segments.into()))
    }

    /// Whether any path begins so.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `path` begins so.
    pub(super) fn allows(&self, path: &str) -> bool {
        self.is_empty() || segments(path).is_some_and(|path| path.starts_with(&self.0))
    }

    /// Whether there are paths that begin with both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }
}

/// Whether a path can be read in one way alone.
pub(super) fn is_plain(path: &str) -> bool {
    segments(path).is_some()
}

/// The segments of a path; `None` where it can be read in more than one way. The last one is left out where it is empty.
fn segments(path: &str) -> Option<Vec<String>> {
    let path = match path.strip_prefix('/') {
        Some(path) => path,
        None if path.is_empty() => path,
        None => return None,
    };
    if path.is_empty() {
        return Some(Vec::new());
    }
    path.strip_suffix('/').unwrap_or(path).split('/').map(segment).collect()
}

/// A segment with its harmless escapes undone and the others in one spelling.
fn segment(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '\\' || c.is_control() {
            return None;
        }
        if c != '%' {
            out.push(c);
            continue;
        }
        let byte = escaped(rest)?;
        rest = &rest[2..];
        match byte {
            b'/' | b'\\' | 0..=0x1f | 0x7f => return None,
            // Escaped twice: a server that undoes both would see another path.
            b'%' if escaped(rest).is_some_and(|inner| matches!(inner, b'/' | b'\\' | b'.' | b'%')) => return None,
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    // Some servers drop what follows a `;` before they look for dots.
    let name = out.split(';').next().unwrap_or_default();
    match name {
        "" | "." | ".." => None,
        _ => Some(out),
    }
}

/// The byte whose two hexadecimal digits `text` begins with.
fn escaped(text: &str) -> Option<u8> {
    let digits = text.get(..2)?;
    // `from_str_radix` would take a sign.
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_segments_are_compared() {
        let table = [
            ("/repos/", "/repos/a/b", true),
            ("/repos/", "/repos", true),
            ("/repos", "/repos/", true),
            ("/repos", "/reposition", false),
            ("/repos", "/Repos", false),
            ("/repos", "/", false),
            ("/repos", "", false),
            ("/repos/a", "/repos/b", false),
            ("/repos/a", "/repos", false),
            ("/", "/anything", true),
            ("", "/any//thing/../%2f", true),
            ("/repos", "/%72epos/x", true),
            ("/%72epos", "/repos/x", true),
            ("/a%c3%bc", "/a%C3%BC/x", true),
            ("/repos", "/repos/100%25", true),
            ("/repos", "/repos/a;v=1", true),
        ];
        for (prefix, path, allowed) in table {
            assert_eq!(Prefix::new(prefix).unwrap().allows(path), allowed, "{prefix} {path}");
        }
    }

    #[test]
    fn paths_with_two_readings_are_refused() {
        let repos = Prefix::new("/repos").unwrap();
        for path in [
            "/repos/../user",
            "/repos/./x",
            "/repos/%2e%2e/user",
            "/repos/.%2E/user",
            "/repos//x",
            "//repos/x",
            "//",
            "/repos/x//",
            "/repos/..%2fuser",
            "/repos/%2Fuser",
            "/repos/%5c..%5cuser",
            "/repos/..\\user",
            "/repos/%252e%252e/user",
            "/repos/%25252e/user",
            "/repos/..;/user",
            "/repos/;x/user",
            "/repos/%00",
            "/repos/%",
            "/repos/%2",
            "/repos/%zz",
            "/repos/%+1",
            "repos/x",
            "*",
        ] {
            assert!(!repos.allows(path), "{path}");
            assert!(!is_plain(path), "{path}");
            assert_eq!(Prefix::new(path), None, "{path}");
        }
    }

    #[test]
    fn beginnings_meet() {
        let meet = |a: &str, b: &str| Prefix::new(a).unwrap().meets(&Prefix::new(b).unwrap());
        assert!(meet("/", "/repos") && meet("/repos/a", "/repos") && meet("/repos", "/repos/"));
        assert!(!meet("/repos", "/user"));
    }
}
