use super::*;

/// A server of that name and command, without a guard.
pub(super) fn settings(name: &str, command: &str) -> Settings {
    let (events, _) = Events::channel();
    let endpoint = Endpoint::Command(CommandLine::new(command));
    Settings::new(SourceName::new(name).unwrap(), endpoint, events, Arc::new(Guard::absent()))
}
