//! The composition root: it alone names every part, and it ends them in order.
//!
//! [`serve`] is what it does then, [`mod@watch`] how it follows files meanwhile, and [`keys`] what it fetches of identity
//! providers.

mod keys;
mod serve;
mod watch;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use gateway_core::{
    role::{RoleError, RoleId},
    source::Event,
    tasks::Tasks,
};
use tokio::sync::mpsc;

pub use self::serve::DRAIN;
pub use crate::control::build::Observer;
use crate::{
    control::{Control, Setting, desired::Desired},
    frontends::auth::Doors,
    gateway::Gateway,
};

/// How long servers may take to end by themselves when the gateway ends.
const STOP: Duration = Duration::from_secs(2);

/// A gateway that is put together. Nothing has been started.
pub struct App {
    control: Arc<Control>,
    role: RoleId,
    /// The role that was asked for; `None`: the default, whichever that is.
    named: Option<Box<str>>,
    tasks: Tasks,
    doors: Arc<Doors>,
    /// Files are followed already.
    follows: AtomicBool,
}

/// Why no gateway could be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no role to go by.
    #[error(transparent)]
    Role(#[from] RoleError),
}

impl App {
    /// Puts the gateway of `setting` together, for callers of the role `role_name`. Needs a Tokio runtime; starts nothing.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(setting: Setting<'_>, role_name: Option<&str>) -> Result<Self, BuildError> {
        let (control, role, told) = Control::build(setting, role_name)?;
        let app = Self {
            control,
            role,
            named: role_name.map(Into::into),
            tasks: Tasks::new(),
            doors: Arc::new(Doors::new(Arc::new(keys::Web))),
            follows: AtomicBool::new(false),
        };
        app.follow(told);
        Ok(app)
    }

    /// The gateway.
    #[must_use]
    pub fn gateway(&self) -> &Arc<Gateway> {
        self.control.gateway()
    }

    /// What changes the gateway.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// What is wanted of the gateway: its configuration, and what was changed since.
    #[must_use]
    pub fn desired(&self) -> Arc<Desired> {
        self.control.desired()
    }

    /// The role that it was put together for.
    #[must_use]
    pub fn role(&self) -> RoleId {
        self.role
    }

    fn follow(&self, told: mpsc::UnboundedReceiver<Event>) {
        let gateway = self.gateway().clone();
        self.tasks.spawn(async move { gateway.follow(told).await });
    }
}
