//! What a model gets to read of an answer.

use url::Url;

use crate::http::Answer;
use crate::{decode, html};

/// A text from the web.
#[derive(Debug)]
pub(crate) struct Page {
    url: Url,
    title: Option<String>,
    text: String,
    complete: bool,
}

/// Makes a text of an answer, or says what it is instead.
pub(crate) fn read(answer: Answer, raw: bool) -> Result<Page, String> {
    let Answer { url, content_type, body, complete, .. } = answer;
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !is_text(media_type) {
        return Err(format!("{url} is no text but {media_type}, of {} bytes", body.len()));
    }
    let is_html = matches!(media_type, "text/html" | "application/xhtml+xml")
        || (media_type.is_empty() && body.trim_ascii_start().starts_with(b"<"));
    let text = decode::text(body, &content_type);
    let (title, text) = if is_html && !raw { html::to_markdown(&text, &url) } else { (None, text) };
    Ok(Page { url, title, text, complete })
}

fn is_text(media_type: &str) -> bool {
    let (kind, subtype) = media_type.split_once('/').unwrap_or((media_type, ""));
    let names = ["json", "xml", "javascript", "ecmascript", "yaml", "x-yaml", "toml", "x-sh", "x-www-form-urlencoded"];
    let known = names.contains(&subtype) || subtype.ends_with("+json") || subtype.ends_with("+xml");
    kind.is_empty() || kind == "text" || (kind == "application" && known) || media_type == "image/svg+xml"
}

impl Page {
    /// So many characters from there on, and where to go on.
    pub(crate) fn piece(&self, start: usize, length: usize) -> Result<String, String> {
        let total = self.text.chars().count();
        if start > 0 && start >= total {
            return Err(format!("the text has {total} characters, so none from {start} on"));
        }
        let mut piece = String::new();
        if start == 0 {
            if let Some(title) = &self.title {
                piece.push_str(&format!("Title: {title}\n"));
            }
            piece.push_str(&format!("URL: {}\n\n", self.url));
        }
        piece.extend(self.text.chars().skip(start).take(length));
        let end = total.min(start.saturating_add(length));
        if end < total {
            let (first, last) = (start + 1, end);
            piece.push_str(&format!("\n\n[characters {first} to {last} of {total}; the next piece has start = {end}]"));
        } else if !self.complete {
            piece.push_str("\n\n[the rest is too large to be read]");
        }
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use wstd::http::StatusCode;

    use super::*;

    fn page(content_type: &str, body: &str, raw: bool) -> Result<Page, String> {
        let url = Url::parse("https://example.com/").unwrap();
        let (content_type, body) = (content_type.to_owned(), body.as_bytes().to_vec());
        read(Answer { url, status: StatusCode::OK, content_type, body, complete: true }, raw)
    }

    #[test]
    fn a_long_text_comes_in_pieces() {
        let page = page("text/plain", "äbcdef", false).unwrap();
        let first = "URL: https://example.com/\n\näbcd\n\n[characters 1 to 4 of 6; the next piece has start = 4]";
        assert_eq!(page.piece(0, 4).unwrap(), first);
        assert_eq!(page.piece(4, 4).unwrap(), "ef");
        assert_eq!(page.piece(6, 4).unwrap_err(), "the text has 6 characters, so none from 6 on");
    }

    #[test]
    fn an_empty_text_is_one() {
        assert_eq!(page("text/plain", "", false).unwrap().piece(0, 4).unwrap(), "URL: https://example.com/\n\n");
    }

    #[test]
    fn html_becomes_readable_unless_it_is_wanted_raw() {
        let html = "<title>T</title><p>a&amp;b</p>";
        let text = |raw| page("text/html; charset=utf-8", html, raw).unwrap().piece(0, 100).unwrap();
        assert_eq!(text(false), "Title: T\nURL: https://example.com/\n\na&b");
        assert_eq!(text(true), format!("URL: https://example.com/\n\n{html}"));
    }

    #[test]
    fn what_is_no_text_says_what_it_is() {
        let error = page("application/pdf", "%PDF", false).unwrap_err();
        assert_eq!(error, "https://example.com/ is no text but application/pdf, of 4 bytes");
        assert!(page("application/problem+json", "{}", false).is_ok());
    }
}
