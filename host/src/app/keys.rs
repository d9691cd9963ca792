//! What identity providers publish, fetched from the web.

use async_trait::async_trait;
use url::Url;

use crate::{frontends::auth::Fetch, packages::https};

/// The web, as packages are fetched from it.
pub(super) struct Web;

#[async_trait]
impl Fetch for Web {
    async fn text(&self, url: &Url) -> Result<Option<String>, String> {
        https::text(url).await.map_err(|error| error.to_string())
    }
}
