//! Everything that a component lists, each interface in its turn.

use super::Work;
use crate::{definitions::Listing, guest::Live};

/// Has it list what it offers. What it does not export is empty.
pub(crate) struct List;

impl Work for List {
    type Output = Listing;
    async fn run(self, live: &mut Live) -> wasmtime::Result<Listing> {
        let (code, instance) = (live.code.clone(), live.instance);
        let mut listing = Listing::default();
        if let Some(indices) = &code.exports.tool {
            let tool = indices.load(&mut live.store, &instance)?;
            listing.tools = tool.call_list_tools(&mut live.store).await?;
        } else if let Some(functions) = &code.exports.functions {
            listing.tools = functions.definitions();
        }
        if let Some(indices) = &code.exports.prompts {
            let prompts = indices.load(&mut live.store, &instance)?;
            listing.prompts = prompts.call_list_prompts(&mut live.store).await?;
        }
        if let Some(indices) = &code.exports.resources {
            let resources = indices.load(&mut live.store, &instance)?;
            listing.resources = resources.call_list_resources(&mut live.store).await?;
            listing.templates = resources.call_list_resource_templates(&mut live.store).await?;
        }
        Ok(listing)
    }
}
