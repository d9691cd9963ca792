use super::*;

/// A server of that name and command, without a guard.
pub(super) fn settings(name: &str, command: &str) -> Settings {
    let (events, _) = Events::channel();
    Settings::new(SourceName::new(name).unwrap(), command, events, Arc::new(Guard::absent()))
}
