//! What the gateway says of its servers and warns of, for those who keep it.

use std::{
    fmt::{self, Write as _},
    sync::{Arc, PoisonError, RwLock, Weak},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{Layer, filter::filter_fn, layer::Context};

use super::record::{Recorder, Said};

/// The target of what becomes of servers and plugins: it is kept from `info` on, and said on standard error only where
/// much is.
pub const TARGET: &str = "backend";

/// The longest message that is kept, in characters.
const LONGEST: usize = 2000;

/// Those who keep it.
static EARS: RwLock<Vec<Weak<Recorder>>> = RwLock::new(Vec::new());

/// From now on `recorder` hears of it.
pub(super) fn tell(recorder: &Arc<Recorder>) {
    let mut ears = EARS.write().unwrap_or_else(PoisonError::into_inner);
    ears.retain(|ear| ear.strong_count() > 0);
    ears.push(Arc::downgrade(recorder));
}

/// Hands on what is kept. For the subscriber of the program.
pub fn layer<S: Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>>() -> impl Layer<S> {
    Ears.with_filter(filter_fn(is_kept).with_max_level_hint(LevelFilter::INFO))
}

/// Not what servers and plugins themselves write: what they were asked may stand in there.
fn is_kept(what: &Metadata<'_>) -> bool {
    let own = what.target().starts_with("gateway_");
    what.is_event() && (what.target() == TARGET || own && *what.level() <= Level::WARN)
}

struct Ears;

impl<S: Subscriber> Layer<S> for Ears {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let ears = EARS.read().unwrap_or_else(PoisonError::into_inner).clone();
        if ears.is_empty() {
            return;
        }
        let mut read = Read::default();
        event.record(&mut read);
        let Read { source, mut message, hint } = read;
        if let Some(hint) = hint {
            let _ = write!(message, "; hint: {hint}");
        }
        if let Some((end, _)) = message.char_indices().nth(LONGEST) {
            message.truncate(end);
        }
        let (level, is_event) = (*event.metadata().level(), event.metadata().target() == TARGET || source.is_some());
        for ear in ears.iter().filter_map(Weak::upgrade) {
            let (source, message) = (source.as_deref().map(Into::into), message.as_str().into());
            ear.say(Said { level, source, event: is_event, message });
        }
    }
}

/// What an event says.
#[derive(Default)]
struct Read {
    source: Option<String>,
    message: String,
    hint: Option<String>,
}

impl Visit for Read {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => {
                let _ = write!(self.message, "{value:?}");
            }
            "server" | "plugin" | "source" => self.source = Some(format!("{value:?}")),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            "server" | "plugin" | "source" => self.source = Some(value.to_owned()),
            "hint" => self.hint = Some(value.to_owned()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing::{info, warn};
    use tracing_subscriber::prelude::*;

    use super::*;
    use crate::telemetry::record::What;

    #[test]
    fn what_is_kept_is_kept() {
        let recorder = Recorder::new();
        let subscriber = tracing_subscriber::registry().with(layer());
        tracing::subscriber::with_default(subscriber, || {
            info!(target: TARGET, server = %"kept-1", "connecting");
            warn!(target: "gateway_host::x", hint = Some("do it"), "server \"kept-2\" is gone");
            info!(target: "gateway_host::x", server = %"left-1", "nobody asks");
            warn!(target: "server", server = %"left-2", "its own words");
            warn!(target: "hyper", "a library's");
        });
        let said: Vec<_> = recorder
            .after(0)
            .into_iter()
            .filter_map(|line| match line.what {
                What::Said(said) => Some((said.source.clone(), said.event, said.message.to_string())),
                _ => None,
            })
            .collect();
        // Other tests of this process may warn meanwhile.
        assert!(said.contains(&(Some("kept-1".into()), true, "connecting".to_owned())), "{said:?}");
        assert!(said.contains(&(None, false, "server \"kept-2\" is gone; hint: do it".to_owned())), "{said:?}");
        assert!(
            !said.iter().any(|(source, ..)| source.as_deref().is_some_and(|name| name.starts_with("left"))),
            "{said:?}"
        );
        assert!(!said.iter().any(|(_, _, message)| message.contains("library")), "{said:?}");
    }
}
