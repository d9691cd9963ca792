//! A server's tools, held against what was agreed to: one that is not what it was is not offered.

use std::sync::Arc;

use gateway_core::source::{Item, Offer};

/// What was agreed to of one server's tools.
pub trait Pins: Send + Sync {
    /// Stands for all that was agreed to: another number, and it may be something else.
    fn version(&self) -> u64;

    /// Holds `tools` against it; `None` where nothing was agreed to, so that everything counts. The tools are `None`
    /// where they are not known yet.
    fn judge(&self, tools: Option<&[Item]>) -> Option<Verdict>;
}

/// What is found of a server's tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Of each tool, whether it was agreed to as it is.
    pub agreed: Vec<bool>,
    /// What is wrong, with the names of the tools that are not offered.
    pub error: Option<String>,
    /// The same and more, for the log.
    pub notice: Option<String>,
}

/// What of an offer was agreed to.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// Of [`Pins::version`].
    pub(super) version: u64,
    pub(super) offer: Arc<Offer>,
    /// Whether anything was agreed to.
    pub(super) is_pinned: bool,
    pub(super) error: Option<Arc<str>>,
    pub(super) notice: Option<Arc<str>>,
}

impl Held {
    pub(super) fn of(offer: &Arc<Offer>, pins: &dyn Pins) -> Self {
        // First, so that what changes meanwhile is looked at again.
        let version = pins.version();
        let Some(verdict) = pins.judge(offer.tools.as_deref()) else {
            return Self { version, offer: offer.clone(), is_pinned: false, error: None, notice: None };
        };
        let mut shown = Offer::clone(offer);
        if let Some(tools) = &mut shown.tools {
            let agreed = tools.iter().zip(verdict.agreed).filter(|(_, agreed)| *agreed);
            *tools = agreed.map(|(tool, _)| tool.clone()).collect();
        }
        let text = |text: Option<String>| text.map(Into::into);
        let (error, notice) = (text(verdict.error), text(verdict.notice));
        Self { version, offer: Arc::new(shown), is_pinned: true, error, notice }
    }

    /// Whether the tool `local` may be called, in whatever way its name came to be known.
    pub(super) fn lets(&self, local: &str) -> bool {
        let known = || self.offer.tools.iter().flatten().any(|tool| &*tool.name == local);
        !self.is_pinned || known()
    }
}
