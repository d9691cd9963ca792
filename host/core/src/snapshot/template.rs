//! Which URIs a template could have made (RFC 6570), as far as a gateway has to know: whose they are.

/// Whether `uri` could have been made of `template`. An expression stands for any text; a simple one (`{id}`) for text
/// without `/`, since that would have been percent-encoded (RFC 6570, section 3.2.2).
pub(super) fn matches(template: &str, uri: &str) -> bool {
    let Some((literal, rest)) = template.split_once('{') else { return template == uri };
    let Some(uri) = uri.strip_prefix(literal) else { return false };
    let Some((expression, rest)) = rest.split_once('}') else { return false };
    let simple = !expression.starts_with(['+', '#', '.', '/', ';', '?', '&']);
    let next = rest.split('{').next().unwrap_or_default();
    let ends = uri.char_indices().map(|(at, _)| at).chain([uri.len()]);
    // The shortest text first; where the next literal does not follow, no more than a look is spent on it.
    ends.take_while(|end| !simple || !uri[..*end].contains('/'))
        .filter(|end| uri[*end..].starts_with(next))
        .take(MAX_TRIES)
        .any(|end| matches(rest, &uri[end..]))
}

/// How many places are tried for the end of one expression.
const MAX_TRIES: usize = 16;

/// The source's own URI for what clients call `uri`, where the template called `public` in public and `template` by its
/// source could have made it.
pub(super) fn local<'u>(public: &str, template: &str, uri: &'u str) -> Option<&'u str> {
    let local = uri.strip_prefix(public.strip_suffix(template)?)?;
    matches(template, local).then_some(local)
}

/// What clients call the resource that its source calls `local`, made of the same template.
pub(super) fn public(public: &str, template: &str, local: &str) -> std::sync::Arc<str> {
    format!("{}{local}", public.strip_suffix(template).unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        for (template, uri, expected) in [
            ("test://template/{id}/data", "test://template/5/data", true),
            ("test://template/{id}/data", "test://template/5/6/data", false),
            ("test://template/{id}/data", "test://template/5/date", false),
            ("file:///{+path}", "file:///a/b/c.txt", true),
            ("file:///{+path}", "https://a/b", false),
            ("x://{a}/{b}", "x://1/2", true),
            ("x://{a}/{b}", "x://1", false),
            ("x://items{?page}", "x://items?page=2", true),
            ("x://items", "x://items", true),
            ("x://items/{broken", "x://items/1", false),
            ("x://{a}", "x://", true),
        ] {
            assert_eq!(matches(template, uri), expected, "{template} {uri}");
        }
    }

    #[test]
    fn public_and_local_uris() {
        assert_eq!(local("a+x://{id}", "x://{id}", "a+x://5"), Some("x://5"));
        assert_eq!(local("a+x://{id}", "x://{id}", "x://5"), None);
        assert_eq!(&*public("a+x://{id}", "x://{id}", "x://5"), "a+x://5");
        assert_eq!(&*public("x://{id}", "x://{id}", "x://5"), "x://5");
    }
}
