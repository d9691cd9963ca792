//! `gateway:plugin/resources`.

use std::sync::Arc;

use gateway_core::{
    error::{CallError, Failure, FailureKind},
    payload::Reply,
};

use super::{Work, missing};
use crate::{
    answer,
    bindings::types::{ResourceContents, ResourceError},
    convert,
    guest::{Context, Live},
    permissions::Denial,
    trap::output_limit,
};

/// Has it read a resource.
pub(crate) struct ReadResource {
    pub(crate) uri: Arc<str>,
}

impl Work for ReadResource {
    type Output = Result<Vec<ResourceContents>, ResourceError>;
    async fn run(self, live: &mut Live) -> wasmtime::Result<Self::Output> {
        let indices = live.code.exports.resources.as_ref().ok_or_else(|| missing("resources"))?;
        let resources = indices.load(&mut live.store, &live.instance)?;
        resources.call_read_resource(&mut live.store, &self.uri).await
    }
}

/// The reply, checked. `denial` is what the plugin was denied last.
pub(crate) fn reply(
    context: &Context,
    uri: &str,
    outcome: Result<Vec<ResourceContents>, ResourceError>,
    denial: Option<Denial>,
) -> Result<Reply, CallError> {
    let what = format!("resource {uri:?}");
    let contents = match outcome {
        Ok(contents) => contents,
        Err(ResourceError::NotFound) => return Err(CallError::UnknownResource(uri.into())),
        Err(ResourceError::Cancelled) => return Err(answer::cancelled(context).into()),
        Err(ResourceError::Failed(text)) => return Err(answer::failed(context, &what, &text, denial).into()),
    };
    if convert::contents_size(&contents) > context.limits.output_bytes() {
        return Err(output_limit(context).into());
    }
    match contents.iter().find(|of| !is_within(uri, &of.uri)) {
        None => Ok(Reply { body: convert::read_result(&contents) }),
        Some(other) => {
            let message = format!("plugin {:?}: {what} was read, and {:?} came", context.name, other.uri);
            Err(Failure::new(FailureKind::Broken, message).into())
        }
    }
}

/// Whether `found` is `asked`, or below it: what the caller's role may not read does not come along with what it may.
fn is_within(asked: &str, found: &str) -> bool {
    match found.strip_prefix(asked) {
        Some("") => true,
        Some(rest) => asked.ends_with('/') || rest.starts_with(['/', '?', '#']),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{answer::tests::context, bindings::types::ResourceBody};

    fn read(uri: &str, text: &str) -> Result<String, CallError> {
        let body = ResourceBody::Text(text.to_owned());
        let contents = vec![ResourceContents { uri: uri.to_owned(), mime_type: None, body }];
        reply(&context(), "x:/a", Ok(contents), None).map(|reply| reply.body.to_string())
    }

    #[test]
    fn nothing_else_is_read_than_was_asked_for() {
        assert_eq!(read("x:/a", "hi").unwrap(), r#"{"contents":[{"uri":"x:/a","text":"hi"}]}"#);
        assert!(read("x:/a/b", "hi").is_ok());
        assert_eq!(
            read("x:/ab", "hi").unwrap_err().to_string(),
            r#"plugin "p": resource "x:/a" was read, and "x:/ab" came"#
        );
        assert!(read("x:/", "hi").is_err());
        assert_eq!(
            read("x:/a", &"x".repeat(20)).unwrap_err().to_string(),
            r#"plugin "p": output limit of 20 bytes reached"#
        );
        assert!(is_within("x:/", "x:/a") && is_within("x:/a", "x:/a#b"));
    }

    #[test]
    fn errors_have_kinds() {
        let error = |error, denial| reply(&context(), "x:/a", Err(error), denial).unwrap_err();
        assert!(matches!(error(ResourceError::NotFound, None), CallError::UnknownResource(uri) if *uri == *"x:/a"));
        let denial = Denial { message: "not allowed".to_owned(), hint: "allow it".to_owned() };
        let CallError::Failed(failure) = error(ResourceError::Failed("no disk".to_owned()), Some(denial)) else {
            panic!("it failed")
        };
        assert_eq!(&*failure.message, r#"plugin "p": resource "x:/a": no disk; before that, not allowed"#);
        assert_eq!(failure.hint.as_deref(), Some("allow it"));
        let CallError::Failed(failure) = error(ResourceError::Failed("x".repeat(21)), None) else {
            panic!("it failed")
        };
        assert_eq!(failure.kind, FailureKind::Limit);
        assert!(matches!(
            error(ResourceError::Cancelled, None),
            CallError::Failed(Failure { kind: FailureKind::Cancelled, .. })
        ));
    }
}
