//! Texts that people read, kept as files of `tests/golden`: `BLESS=1` writes them anew, and the diff is what is reviewed.

use std::{env, fs};

use gateway_tests::place;

/// Compares a text with its file.
#[track_caller]
pub(crate) fn check(name: &str, text: &str) {
    let path = place::repository().join(format!("tests/golden/{name}.txt"));
    if env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let wanted = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; BLESS=1 writes it:\n{text}", path.display()));
    assert_eq!(text, wanted, "differs from {}; BLESS=1 writes it anew", path.display());
}
