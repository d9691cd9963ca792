//! What people are told where a server did not answer with MCP.

use gateway_core::{
    error::{Failure, FailureKind},
    name::SourceName,
    wire::peer::RequestError,
};

/// What is said where a request to the server `name` has no answer, and what to do about it.
pub(super) fn failure(name: &SourceName, error: &RequestError) -> Failure {
    let failure = |kind, message: String| Failure::new(kind, message);
    match error {
        RequestError::Status { status, said } => {
            let message = format!("server {name:?} answered HTTP {status}{said}");
            let failure = failure(kind_of(*status), message);
            match hint(name, *status) {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        }
        RequestError::Lost(cause) => {
            let message = format!("the answer of server {name:?} was lost: {cause}");
            failure(FailureKind::Unavailable, message)
                .hint("the call may have had its effect, so it was not sent again")
        }
        error => failure(FailureKind::Broken, format!("server {name:?} cannot be understood: {error}")),
    }
}

fn kind_of(status: u16) -> FailureKind {
    match status {
        401 | 403 => FailureKind::Denied,
        _ => FailureKind::Unavailable,
    }
}

/// The line to write, where the status suggests one.
fn hint(name: &SourceName, status: u16) -> Option<String> {
    Some(match status {
        401 => format!("run `gateway server login {name}`, or set servers.{name}.headers.Authorization"),
        403 => format!("what it was given does not allow this: check servers.{name}.headers, or log in as somebody else"),
        404 | 405 | 406 | 415 => {
            format!("check servers.{name}.url; an older server may need servers.{name}.transport: sse")
        }
        300..=399 | 508 => format!("set servers.{name}.url to the address that is meant"),
        429 => "it wants fewer requests".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_hint() {
        let name = SourceName::new("docs").unwrap();
        for (status, hint) in [
            (401, "gateway server login docs"),
            (403, "servers.docs.headers"),
            (404, "servers.docs.transport: sse"),
            (302, "servers.docs.url"),
        ] {
            let failure = failure(&name, &RequestError::Status { status, said: ": no".into() });
            assert!(failure.message.ends_with(&format!("HTTP {status}: no")), "{failure}");
            assert!(failure.hint.unwrap().contains(hint), "{status}");
        }
        assert!(failure(&name, &RequestError::Status { status: 500, said: "".into() }).hint.is_none());
    }
}
