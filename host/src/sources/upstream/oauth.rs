//! Tokens.

use http::HeaderValue;

/// Who gets tokens for one server.
pub struct Login {}

impl Login {
    pub(super) async fn token(&self) -> Option<HeaderValue> {
        None
    }
    pub(super) async fn renewed(&self, _refused: Option<&HeaderValue>) -> Option<HeaderValue> {
        None
    }
}
