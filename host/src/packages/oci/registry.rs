//! Requests to one registry.

use std::sync::{Mutex, PoisonError};

use http::{
    HeaderValue, StatusCode,
    header::{ACCEPT, AUTHORIZATION, WWW_AUTHENTICATE},
};
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use url::Url;

use super::{
    Descriptor, Image, OciError,
    challenge::Challenge,
    credentials::{self, Credentials},
    manifest,
};
use crate::packages::{
    Digest, MAX_SIZE, Watch,
    https::{DownloadError, cause, client, read},
    reference::{is_loopback, shown},
};

/// Bytes of a manifest or a signature (distribution specification: registries take manifests up to 4 MiB).
const MAX_TEXT: u64 = 4 << 20;

/// Who the gateway is, for those who give out tokens.
const CLIENT_ID: &str = "mcp-gateway";

/// A registry, asked about one image.
pub(super) struct Registry {
    image: Image,
    client: Client,
    /// What shows who asks, once the registry has said how; and whether that is anybody in particular.
    authorization: Mutex<Option<(HeaderValue, bool)>>,
}

/// What is given out.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Registry {
    pub(super) fn new(image: &Image) -> Result<Self, OciError> {
        let api = image.api();
        let failed = |cause: String| DownloadError::Failed { address: api.clone(), cause };
        let url = Url::parse(&api).map_err(|error| failed(error.to_string()))?;
        let client = client(&url).map_err(|error| failed(cause(&error)))?;
        Ok(Self { image: image.clone(), client, authorization: Mutex::new(None) })
    }

    /// The manifest of `image`, with its digest.
    pub(super) async fn manifest(&self, image: &Image) -> Result<(Digest, String), OciError> {
        let found = self.manifest_if_there(image).await?;
        found.ok_or_else(|| OciError::Missing { image: image.to_string() })
    }

    /// The same; `None` where there is none.
    pub(super) async fn manifest_if_there(&self, image: &Image) -> Result<Option<(Digest, String)>, OciError> {
        let response = self.get(&format!("manifests/{}", image.reference()), manifest::ACCEPT).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let bytes = read(self.answer(response, image)?, image.to_string(), MAX_TEXT, &|_, _| ()).await?;
        let digest = checked(&bytes, image.digest, image)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| OciError::Malformed { image: image.to_string(), cause: "it is no text".to_owned() })?;
        Ok(Some((digest, text)))
    }

    /// The blob of that digest.
    pub(super) async fn blob(&self, digest: Digest, size: u64, watch: Watch<'_>) -> Result<Vec<u8>, OciError> {
        let response = self.get(&format!("blobs/sha256:{digest}"), "*/*").await?;
        let most = if size == 0 { MAX_SIZE } else { size.min(MAX_SIZE) };
        let bytes = read(self.answer(response, &self.image)?, self.image.to_string(), most, watch).await?;
        checked(&bytes, Some(digest), &self.image)?;
        Ok(bytes)
    }

    /// A small layer that is text.
    pub(super) async fn text(&self, layer: &Descriptor) -> Result<String, OciError> {
        let bytes = self.blob(layer.digest(&self.image)?, layer.size.clamp(1, MAX_TEXT), &|_, _| ()).await?;
        String::from_utf8(bytes).map_err(|_| OciError::Malformed {
            image: self.image.to_string(),
            cause: "a signature is no text".to_owned(),
        })
    }

    /// Asks, and where the registry wants to know who, tells it and asks again.
    async fn get(&self, path: &str, accept: &'static str) -> Result<Response, OciError> {
        let url = format!("{}/v2/{}/{path}", self.image.api(), self.image.name);
        let response = self.send(self.client.get(&url).header(ACCEPT, accept)).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        self.authorize(&response).await?;
        self.send(self.client.get(&url).header(ACCEPT, accept)).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, OciError> {
        let request = match self.shown() {
            Some((value, _)) => request.header(AUTHORIZATION, value),
            None => request,
        };
        request.send().await.map_err(|error| self.failed(&error))
    }

    fn shown(&self) -> Option<(HeaderValue, bool)> {
        self.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does what the registry asks for, so that the next request shows who asks.
    async fn authorize(&self, response: &Response) -> Result<(), OciError> {
        let found = credentials::find(&self.image.host).await?;
        let denied = |status| OciError::Denied {
            image: self.image.to_string(),
            host: self.image.host.clone(),
            named: found.is_some(),
            status,
        };
        let headers = response.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenge = headers.filter_map(|header| Challenge::parse(header.to_str().ok()?)).next();
        let text = match (challenge, &found) {
            (Some(Challenge::Basic), Some(Credentials::Basic { user, password })) => basic(user, password),
            (Some(Challenge::Bearer { realm, service, scope }), credentials) => {
                let realm = self.realm(&realm)?;
                let request = self.token_request(realm, service.as_deref(), scope, credentials.as_ref());
                let response = request.send().await.map_err(|error| self.failed(&error))?;
                if !response.status().is_success() {
                    return Err(denied(response.status()));
                }
                let bytes = read(response, self.image.host.clone(), MAX_TEXT, &|_, _| ()).await?;
                let token: Option<Token> = serde_json::from_slice(&bytes).ok();
                let token = token.and_then(|token| token.token.or(token.access_token));
                token.map(|token| format!("Bearer {token}")).ok_or_else(|| denied(StatusCode::UNAUTHORIZED))?
            }
            _ => return Err(denied(response.status())),
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| denied(response.status()))?;
        value.set_sensitive(true);
        *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) = Some((value, found.is_some()));
        Ok(())
    }

    /// Where tokens are given out, if credentials may be sent there: over https, or on this machine for a registry of
    /// this machine.
    fn realm(&self, realm: &str) -> Result<Url, OciError> {
        let insecure = |realm: String| OciError::Insecure { image: self.image.to_string(), realm };
        let url = Url::parse(realm).map_err(|_| insecure(format!("{realm:?}")))?;
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.image.is_loopback() && is_loopback(&url) => Ok(url),
            _ => Err(insecure(shown(&url))),
        }
    }

    fn token_request(
        &self,
        mut realm: Url,
        service: Option<&str>,
        scope: Option<String>,
        credentials: Option<&Credentials>,
    ) -> RequestBuilder {
        let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", self.image.name));
        let mut pairs = vec![("scope", scope.as_str())];
        pairs.extend(service.map(|service| ("service", service)));
        let Some(Credentials::Refresh(token)) = credentials else {
            realm.query_pairs_mut().extend_pairs(pairs);
            let request = self.client.get(realm);
            return match credentials {
                Some(Credentials::Basic { user, password }) => request.header(AUTHORIZATION, basic(user, password)),
                _ => request,
            };
        };
        pairs.extend([("grant_type", "refresh_token"), ("client_id", CLIENT_ID), ("refresh_token", token)]);
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.client.post(realm).header("content-type", "application/x-www-form-urlencoded").body(form)
    }

    /// The answer, where it is one.
    fn answer(&self, response: Response, image: &Image) -> Result<Response, OciError> {
        let (status, image, host) = (response.status(), image.to_string(), image.host.clone());
        let named = self.shown().is_some_and(|(_, named)| named);
        match status {
            status if status.is_success() => Ok(response),
            StatusCode::NOT_FOUND => Err(OciError::Missing { image }),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(OciError::Denied { image, host, named, status }),
            status => Err(OciError::Status { image, status }),
        }
    }

    fn failed(&self, error: &reqwest::Error) -> OciError {
        DownloadError::Failed { address: self.image.to_string(), cause: cause(error) }.into()
    }
}

fn basic(user: &str, password: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// The digest of `bytes`, which has to be the expected one where there is one.
fn checked(bytes: &[u8], expected: Option<Digest>, image: &Image) -> Result<Digest, OciError> {
    let found = Digest::of(bytes);
    match expected {
        Some(expected) if expected != found => Err(OciError::Digest { image: image.to_string(), expected, found }),
        _ => Ok(found),
    }
}
