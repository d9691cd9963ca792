//! The export `resources`.

use super::bindings::resources::exports::gateway::plugin::resources::Guest;
use super::{Component, types};
use crate::plugin::Plugin;
use crate::resources::{self, ResourceEntry, ResourceFailure};

impl<P: Plugin> Guest for Component<P> {
    fn list_resources() -> Vec<types::ResourceLink> {
        P::RESOURCES.iter().filter(|resource| !resource.is_template()).map(Into::into).collect()
    }

    fn list_resource_templates() -> Vec<types::ResourceTemplate> {
        P::RESOURCES.iter().filter(|resource| resource.is_template()).map(Into::into).collect()
    }

    fn read_resource(uri: String) -> Result<Vec<types::ResourceContents>, types::ResourceError> {
        match resources::read(P::RESOURCES, &uri) {
            Ok(contents) => Ok(contents.into_iter().map(Into::into).collect()),
            Err(ResourceFailure::NotFound) => Err(types::ResourceError::NotFound),
            Err(ResourceFailure::Failed(why)) => Err(types::ResourceError::Failed(why)),
        }
    }
}

impl From<&ResourceEntry> for types::ResourceLink {
    fn from(resource: &ResourceEntry) -> Self {
        Self {
            uri: resource.uri.to_owned(),
            name: resource.name.to_owned(),
            title: resource.title.map(str::to_owned),
            description: resource.description.map(str::to_owned),
            mime_type: resource.mime_type.map(str::to_owned),
            size: None,
            annotations: None,
        }
    }
}

impl From<&ResourceEntry> for types::ResourceTemplate {
    fn from(resource: &ResourceEntry) -> Self {
        Self {
            uri_template: resource.uri.to_owned(),
            name: resource.name.to_owned(),
            title: resource.title.map(str::to_owned),
            description: resource.description.map(str::to_owned),
            mime_type: resource.mime_type.map(str::to_owned),
            annotations: None,
        }
    }
}
