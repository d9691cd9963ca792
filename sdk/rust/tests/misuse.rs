//! Mistakes with the macros are compile errors that say what to do. `TRYBUILD=overwrite` writes the golden files anew.

#[test]
fn misuse_is_explained() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    #[cfg(not(feature = "async"))]
    cases.compile_fail("tests/ui/without_async/*.rs");
}
