//! How the API is asked, and how it answers: JSON alone, and one shape for everything that is not done.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE, request::Parts},
    response::{IntoResponse, Response},
};
use gateway_core::manage::{Refused as NotChanged, RefusedKind};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

/// Why something is not done.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiError {
    /// The thing and the cause.
    pub error: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Something that is not done.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    body: Box<ApiError>,
}

/// What a handler gives.
pub type Answer<T> = Result<Json<T>, Refused>;

impl Refused {
    /// Not done, for that reason.
    #[must_use]
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, body: Box::new(ApiError { error: error.into(), hint: None }) }
    }

    /// What was asked makes no sense.
    #[must_use]
    pub fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// There is no such thing, or none that the role may know of.
    #[must_use]
    pub fn unknown(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.body.hint = Some(hint.into());
        self
    }
}

impl From<NotChanged> for Refused {
    fn from(refused: NotChanged) -> Self {
        let status = match refused.kind {
            RefusedKind::Denied => StatusCode::FORBIDDEN,
            RefusedKind::Unknown => StatusCode::NOT_FOUND,
            RefusedKind::Taken => StatusCode::CONFLICT,
            RefusedKind::Storage => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut same = Self::new(status, refused.message);
        same.body.hint = refused.hint;
        same
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// The body of a request, which has to be JSON and say so: a form of a web page elsewhere does not.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        if !is_json(request.headers()) {
            let error = "the body has to be JSON";
            return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error)
                .hint("send the header `Content-Type: application/json`"));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|error| too_large(&error))?;
        let read = serde_json::from_slice(&bytes);
        Ok(Self(read.map_err(|error| Refused::bad(format!("the body cannot be used: {error}")))?))
    }
}

fn too_large(error: &BytesRejection) -> Refused {
    Refused::new(error.status(), format!("the body cannot be read: {error}"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// What stands after the `?`.
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        let Query(asked) =
            query.map_err(|error| Refused::bad(format!("the query cannot be used: {}", error.body_text())))?;
        Ok(Self(asked))
    }
}

/// The name that stands in the path.
#[derive(Debug)]
pub struct Named(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) =
            path.map_err(|error| Refused::bad(format!("the path cannot be used: {}", error.body_text())))?;
        Ok(Self(name))
    }
}
