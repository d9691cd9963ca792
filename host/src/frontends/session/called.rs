//! What a client calls itself.

use gateway_core::payload::Json;
use serde::Deserialize;

use super::Session;

/// What a client calls itself (`clientInfo`).
#[derive(Debug, Clone, Deserialize)]
pub struct ClientName {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
}

impl Session {
    /// The client introduces itself with these parameters. One that does not say its name has none.
    pub(in super::super) fn call_it(&self, params: Option<&Json>) {
        #[derive(Deserialize)]
        struct Introduction {
            #[serde(rename = "clientInfo")]
            client: ClientName,
        }
        if let Some(Ok(Introduction { client })) = params.map(Json::to::<Introduction>) {
            let _ = self.called.set(client);
        }
    }

    /// What the client calls itself.
    #[must_use]
    pub fn client_name(&self) -> Option<&ClientName> {
        self.called.get()
    }
}
