//! The least MCP server there is: one tool, `echo`, which gives its arguments back. What the gateway costs is measured
//! against it, since it costs next to nothing itself.

use std::io::{BufRead as _, Write as _, stdin, stdout};

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<&'a str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    arguments: Option<Arguments<'a>>,
}

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

fn main() -> std::io::Result<()> {
    let (mut input, mut output) = (stdin().lock(), stdout().lock());
    let (mut line, mut answer) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let Ok(request) = serde_json::from_slice::<Request<'_>>(&line) else { continue };
        let Some(id) = request.id else { continue };
        answer.clear();
        write!(answer, r#"{{"jsonrpc":"2.0","id":{id},"result":{}}}"#, result(&request))?;
        answer.push(b'\n');
        output.write_all(&answer)?;
        output.flush()?;
    }
}

fn result(request: &Request<'_>) -> String {
    match request.method {
        Some("initialize") => concat!(
            r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"#,
            r#""serverInfo":{"name":"echo","version":"1"}}"#
        )
        .to_owned(),
        Some("tools/list") => {
            r#"{"tools":[{"name":"echo","inputSchema":{"type":"object","properties":{"message":{"type":"string"}}}}]}"#
                .to_owned()
        }
        Some("tools/call") => {
            let params = request.params.and_then(|params| serde_json::from_str::<Params<'_>>(params.get()).ok());
            let message = params.and_then(|params| params.arguments?.message).map_or("\"\"", RawValue::get);
            format!(r#"{{"content":[{{"type":"text","text":{message}}}]}}"#)
        }
        _ => "{}".to_owned(),
    }
}
