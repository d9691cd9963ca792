//! `--running`: the same change, made in a gateway that runs, by its REST API.

use std::{fmt::Write as _, fs, path::PathBuf, time::Duration};

use anyhow::Context as _;
use http::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::{Global, Hint, Usage, output};
use crate::{
    config::{Config, find},
    packages::https::client,
};

/// How long an answer may take. A plugin is loaded before there is one.
const ANSWER: Duration = Duration::from_secs(90);

/// Where a gateway runs.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Running {
    /// Do it in the gateway that runs at URL, and leave the configuration's file alone [default URL: as the configuration
    /// says]
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    running: Option<String>,
    /// With --running: a file with the token that the gateway asks for [default: MCP_GATEWAY_TOKEN]
    #[arg(long, value_name = "FILE", requires = "running")]
    token_file: Option<PathBuf>,
    #[arg(long, env = "MCP_GATEWAY_TOKEN", hide = true, hide_env_values = true)]
    token: Option<String>,
}

/// A gateway that runs.
#[derive(Debug)]
pub struct Api {
    base: Url,
    token: Option<String>,
}

impl Running {
    /// The gateway that is meant. `None`: the file is.
    ///
    /// # Errors
    /// Where it cannot be said where it runs.
    pub fn api(&self, global: &Global) -> anyhow::Result<Option<Api>> {
        let Some(url) = &self.running else { return Ok(None) };
        let base = if url.is_empty() { configured(global)? } else { given(url)? };
        let token = match &self.token_file {
            Some(file) => {
                let text = fs::read_to_string(file).with_context(|| format!("{}: no token", file.display()))?;
                Some(text.trim().to_owned())
            }
            None => self.token.clone().filter(|token| !token.is_empty()),
        };
        Ok(Some(Api { base, token }))
    }
}

/// Where the gateway of the configuration listens.
fn configured(global: &Global) -> anyhow::Result<Url> {
    let config = match find(global.config.as_deref()) {
        Ok(file) => Config::load(&file)?.config,
        Err(error) if global.config.is_some() => return Err(error.into()),
        Err(_) => Config::default(),
    };
    if config.port == 0 {
        let usage =
            Usage::new("the configuration leaves the port open, so that it does not say where the gateway runs");
        return Err(usage.hint("write --running=http://127.0.0.1:PORT").into());
    }
    let host = match config.host.trim_matches(['[', ']']) {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    given(&format!("http://{host}:{}", config.port))
}

fn given(url: &str) -> anyhow::Result<Url> {
    let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let mut base = parsed.ok_or_else(|| {
        Usage::new(format!("--running: {url:?} is no address")).hint("write --running=http://127.0.0.1:39400")
    })?;
    // Given as clients of MCP have it.
    let path = base.path().trim_end_matches('/');
    let path = path.strip_suffix("/mcp").unwrap_or(path).to_owned();
    base.set_path(&format!("{path}/"));
    base.set_query(None);
    Ok(base)
}

impl Api {
    /// What there is at `path`, below `api`.
    ///
    /// # Errors
    /// What the gateway says, or why it cannot be asked.
    pub async fn get(&self, path: &[&str]) -> anyhow::Result<Value> {
        self.ask(Method::GET, path, None).await
    }

    /// Makes a change.
    ///
    /// # Errors
    /// What the gateway says, or why it cannot be asked.
    pub async fn ask(&self, method: Method, path: &[&str], body: Option<&Value>) -> anyhow::Result<Value> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("api").extend(path);
        }
        let mut request = client(&url)?.request(method, url).timeout(ANSWER);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.map_err(|error| self.silent(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| self.silent(&error))?;
        if status.is_success() {
            return serde_json::from_str(&text).with_context(|| format!("{}: this is no gateway", self.base));
        }
        Err(self.refused(status, &text))
    }

    fn silent(&self, error: &(dyn std::error::Error + 'static)) -> anyhow::Error {
        let deepest = std::iter::successors(error.source(), |cause| cause.source()).last();
        let cause = deepest.map_or_else(|| error.to_string(), ToString::to_string);
        let error = anyhow::anyhow!("{}: no gateway answers: {cause}", self.base);
        error.context(Hint("start it with `gateway serve`, or say where it runs with --running=URL".to_owned()))
    }

    fn refused(&self, status: StatusCode, text: &str) -> anyhow::Error {
        if status == StatusCode::UNAUTHORIZED {
            let usage = Usage::new(format!("{}: the gateway asks for a token that it knows", self.base));
            return usage.hint("set MCP_GATEWAY_TOKEN, or name a file with --token-file").into();
        }
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        let member = |name: &str| said[name].as_str().map(str::to_owned);
        let message = member("error").unwrap_or_else(|| format!("{}: the gateway answers {status}", self.base));
        match (status.is_client_error(), member("hint")) {
            (true, Some(hint)) => Usage::new(message).hint(hint).into(),
            (true, None) => Usage::new(message).into(),
            (false, Some(hint)) => anyhow::anyhow!(message).context(Hint(hint)),
            (false, None) => anyhow::anyhow!(message),
        }
    }
}

/// The names of the `backends` or `plugins` that there are.
///
/// # Errors
/// As [`Api::get`].
pub async fn names(api: &Api, what: &str) -> anyhow::Result<Vec<String>> {
    let all = api.get(&[what]).await?;
    let names = all.as_array().into_iter().flatten().filter_map(|one| one["name"].as_str());
    Ok(names.map(str::to_owned).collect())
}

/// Shows `backends` or `plugins`, as they are or with a line for each.
///
/// # Errors
/// As [`Api::get`].
pub async fn list(api: &Api, what: &str, as_json: bool, place: impl Fn(&Value) -> String) -> anyhow::Result<()> {
    let all = api.get(&[what]).await?;
    if as_json {
        return Ok(output::print_json(&all)?);
    }
    let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
    let name = |one: &Value| one["name"].as_str().unwrap_or_default().to_owned();
    let width = all.iter().map(|one| name(one).len()).max().unwrap_or_default();
    let mut text = String::new();
    for one in all {
        let state = if one["enabled"] == false { "disabled" } else { one["status"].as_str().unwrap_or_default() };
        let _ = write!(text, "{:width$}  {} [{state}]", name(one), place(one));
        if let Some(error) = one["error"].as_str() {
            let _ = write!(text, " [{error}]");
        }
        text.push('\n');
    }
    Ok(output::print(&text)?)
}

/// Refuses a value that would be filled in where it stood in a file.
///
/// # Errors
/// A `${` in it.
pub fn taken_as_it_is(flag: &str, value: &str) -> Result<(), Usage> {
    if value.contains("${") {
        let usage =
            Usage::new(format!("{flag}: a gateway that runs takes values as they are, and fills no variable in"));
        return Err(usage.hint("let the shell fill it in, in double quotes: \"$NAME\""));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_gateways() {
        for (url, base) in [
            ("http://127.0.0.1:39400", "http://127.0.0.1:39400/"),
            ("http://127.0.0.1:39400/mcp", "http://127.0.0.1:39400/"),
            ("https://gw.example.com/tools/mcp/", "https://gw.example.com/tools/"),
            ("https://gw.example.com/tools?x=1", "https://gw.example.com/tools/"),
        ] {
            assert_eq!(given(url).unwrap().as_str(), base);
        }
        for url in ["docs", "localhost:39400", "ftp://a.example"] {
            assert!(given(url).is_err(), "{url}");
        }
    }
}
