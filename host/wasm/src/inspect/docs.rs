//! Documentation on its way into a component: the comments of a WIT package, which compilers leave out.

use std::path::Path;

use wit_parser::{PackageMetadata, Resolve};

use super::{DOCS_SECTION, NotAPlugin, component, with_section};

/// Why a component did not get the documentation of its WIT package.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoDocs {
    /// The component.
    #[error(transparent)]
    Component(#[from] NotAPlugin),
    /// The package.
    #[error("its WIT package cannot be read: {0}")]
    Wit(String),
}

/// The component with the comments of the WIT package in `folder`, which become the descriptions of the tools that its
/// functions are.
///
/// # Errors
/// Where the bytes are no component, or the folder holds no WIT package.
pub fn with_docs(bytes: &[u8], folder: &Path) -> Result<Vec<u8>, NoDocs> {
    component(bytes)?;
    let mut resolve = Resolve::new();
    let (package, _) = resolve.push_dir(folder).map_err(|error| NoDocs::Wit(format!("{error:#}")))?;
    let docs = PackageMetadata::extract(&resolve, package);
    let docs = docs.encode().map_err(|error| NoDocs::Wit(format!("{error:#}")))?;
    Ok(with_section(bytes, DOCS_SECTION, &docs)?)
}
