//! Changes that somebody asks for while the gateway runs.

use std::{io, sync::Arc};

use gateway_core::{
    manage::{By, Manage, NewServer, Refused, RefusedKind},
    name::SourceName,
    settings::Values,
    source::{Fut, SourceStatus},
};

use super::{Control, overlay::Overlay};
use crate::sources::upstream::config::{ServerConfig, Transport};

/// What was registered, as the configuration would have it. Its values are taken as they are: a variable of the
/// gateway's own environment is for whoever writes the configuration.
pub(super) fn server(new: &NewServer) -> ServerConfig {
    ServerConfig {
        command: new.command.clone(),
        args: new.command.is_some().then(|| new.args.clone()),
        env: new.env.clone().into_iter().collect::<Values>(),
        url: new.url.clone(),
        headers: new.headers.clone().into_iter().collect::<Values>(),
        transport: new.transport.as_deref().and_then(Transport::named),
        description: new.description.clone(),
        enabled: new.enabled.unwrap_or(true),
        ..ServerConfig::default()
    }
}

/// Why the overlay was not changed.
struct Failed(Refused);

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self(Refused::new(RefusedKind::Storage, format!("the change could not be kept: {error}")))
    }
}

impl Control {
    /// Changes the overlay, and the gateway accordingly.
    async fn change(
        &self,
        change: impl FnOnce(&mut Overlay) -> Result<(), Refused> + Send + 'static,
    ) -> Result<(), Refused> {
        let mut held = self.held.lock().await;
        let overlay = self.overlay.clone();
        let write = move || overlay.change(|overlay| change(overlay).map_err(Failed));
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(_)) => {}
            Ok(Err(Failed(refused))) => return Err(refused),
            Err(error) => return Err(Refused::new(RefusedKind::Storage, error.to_string())),
        }
        self.bring(&mut held).await;
        Ok(())
    }
}

impl Manage for Control {
    fn register(&self, name: SourceName, server: NewServer, _by: By) -> Fut<'_, Result<SourceStatus, Refused>> {
        Box::pin(async move {
            let kept = name.clone();
            self.change(move |overlay| {
                overlay.servers.insert(kept, server);
                Ok(())
            })
            .await?;
            let missing = || Refused::new(RefusedKind::Invalid, format!("server {name:?} cannot be used"));
            let source: Arc<_> = self.gateway.source(name.as_str()).ok_or_else(missing)?;
            Ok(source.status())
        })
    }

    fn remove<'a>(&'a self, name: &'a str) -> Fut<'a, Result<(), Refused>> {
        Box::pin(async move {
            let unknown = || Refused::new(RefusedKind::Unknown, format!("there is no server or plugin {name:?}"));
            let name = SourceName::new(name).map_err(|_| unknown())?;
            let (configured, missing) = (self.held.lock().await.loaded.config.has(name.as_str()), unknown());
            self.change(move |overlay| {
                let registered = overlay.servers.remove(&name).is_some();
                if configured && !registered && overlay.removed.insert(name) || registered {
                    Ok(())
                } else {
                    Err(missing)
                }
            })
            .await
        })
    }

    fn problems(&self) -> Vec<String> {
        self.desired.load().complaints()
    }

    fn enable<'a>(&'a self, name: &'a str, enabled: bool) -> Fut<'a, Result<(), Refused>> {
        Box::pin(async move {
            let unknown = || Refused::new(RefusedKind::Unknown, format!("there is no server or plugin {name:?}"));
            let name = SourceName::new(name).map_err(|_| unknown())?;
            let (configured, missing) = (self.held.lock().await.loaded.config.has(name.as_str()), unknown());
            self.change(move |overlay| {
                if !configured && !overlay.servers.contains_key(&name) {
                    return Err(missing);
                }
                if enabled {
                    overlay.removed.remove(&name);
                }
                overlay.enabled.insert(name, enabled);
                Ok(())
            })
            .await
        })
    }
}
