//! What a call gave.

use gateway_core::payload::{Json, Reply};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// What a tool answered (MCP `CallToolResult`).
#[derive(Debug, Clone)]
pub struct Outcome(pub(super) Reply);

/// What of a result is read here.
#[derive(Deserialize)]
struct CallResult {
    #[serde(default)]
    content: Vec<Value>,
    #[serde(rename = "structuredContent")]
    structured: Option<Value>,
}

impl Outcome {
    /// Whether the tool says that it failed; [`Outcome::text`] is then the reason.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.0.is_error()
    }

    /// The texts of the result, each on lines of its own.
    #[must_use]
    pub fn text(&self) -> String {
        let content = self.read().map(|result| result.content).unwrap_or_default();
        let texts = content.iter().filter(|block| block["type"] == "text").filter_map(|block| block["text"].as_str());
        texts.collect::<Vec<_>>().join("\n")
    }

    /// The structured result, where the tool gives one.
    #[must_use]
    pub fn structured(&self) -> Option<Value> {
        self.read()?.structured
    }

    /// The structured result as a `T`; where the tool gives none, its text as one.
    ///
    /// ```
    /// # use gateway_host::{Gateway, Tool};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let temp = tempfile::tempdir()?;
    /// let primes = Tool::new("primes", async |_: ()| Ok::<_, String>(vec![2, 3, 5]));
    /// # let builder = Gateway::builder().folders(temp.path(), temp.path());
    /// let gateway = builder.register_tool(primes).build().await?;
    /// let outcome = gateway.call(gateway.caller(None)?, "primes", ()).await?;
    /// assert_eq!(outcome.to::<Vec<u32>>()?, [2, 3, 5]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where it is none.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        match self.structured() {
            Some(structured) => serde_json::from_value(structured),
            None => serde_json::from_str(&self.text()),
        }
    }

    /// The result as the tool wrote it.
    #[must_use]
    pub fn json(&self) -> &Json {
        &self.0.body
    }

    fn read(&self) -> Option<CallResult> {
        self.0.body.to().ok()
    }
}
