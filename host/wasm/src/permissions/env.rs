//! Which environment variables a plugin sees. The values are those of the grant: a plugin names what it wants, and never
//! what it is.

use std::collections::BTreeMap;

/// The variables that are granted and asked for.
pub(super) fn both(granted: &[(String, String)], asked: &BTreeMap<String, String>) -> Box<[(String, String)]> {
    granted.iter().filter(|(name, _)| asked.contains_key(name)).cloned().collect()
}

/// The names of those that are granted and not asked for.
pub(super) fn unasked<'g>(
    granted: &'g [(String, String)],
    asked: &'g BTreeMap<String, String>,
) -> impl Iterator<Item = String> + 'g {
    granted.iter().filter(|(name, _)| !asked.contains_key(name)).map(|(name, _)| format!("env {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_those_of_both_with_the_values_of_the_grant() {
        let granted = [("LANG".to_owned(), "C".to_owned()), ("HOME".to_owned(), "/root".to_owned())];
        let asked = BTreeMap::from([("LANG".to_owned(), "de".to_owned()), ("PATH".to_owned(), "/bin".to_owned())]);
        assert_eq!(*both(&granted, &asked), granted[..1]);
        assert_eq!(unasked(&granted, &asked).collect::<Vec<_>>(), ["env HOME"]);
        assert!(both(&granted, &BTreeMap::new()).is_empty());
    }
}
