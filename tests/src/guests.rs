//! The plugins that the build script built, each as a constant: `guests::SPIN.path()`.

use std::path::{Path, PathBuf};

/// A component, or why there is none.
#[derive(Debug, Clone, Copy)]
pub struct Guest {
    /// The name of its folder.
    pub name: &'static str,
    built: Result<&'static str, &'static str>,
}

impl Guest {
    /// The component.
    ///
    /// # Panics
    /// Where it could not be built, with what to do about it.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        match self.built {
            Ok(path) => Path::new(path).to_owned(),
            Err(reason) => panic!("the guest `{}` was not built: {reason}", self.name),
        }
    }

    /// The same for a configuration.
    #[must_use]
    pub fn source(&self) -> String {
        self.path().display().to_string()
    }
}

include!(concat!(env!("OUT_DIR"), "/guests.rs"));
