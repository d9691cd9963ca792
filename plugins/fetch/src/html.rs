//! HTML as readable text in Markdown.
//!
//! There is no tree: the tokens of the HTML standard are written down as they come. That is all a reader needs, it is as
//! forgiving as a browser about tags that do not match, and it is small.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{HtmlString, Spanned, StartTag, Token, Tokenizer};
use url::Url;

use crate::writer::Writer;

/// Elements without anything to read in them.
const SKIPPED: [&str; 14] = [
    "script", "style", "noscript", "template", "svg", "iframe", "object", "canvas", "nav", "button", "select",
    "textarea", "audio", "video",
];

/// The title of a page, and its text.
pub(crate) fn to_markdown(html: &str, base: &Url) -> (Option<String>, String) {
    let mut emitter = DefaultEmitter::<()>::default();
    // What is in a script or a style is no markup.
    emitter.naively_switch_states(true);
    let mut reader = Reader::new(base);
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Token::StartTag(tag) => reader.start(&tag),
            Token::EndTag(tag) => reader.end(&name(&tag.name)),
            Token::String(text) => reader.text(&String::from_utf8_lossy(&text)),
            _ => {}
        }
    }
    let title = reader.title.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    ((!title.is_empty()).then_some(title), reader.writer.finish())
}

struct Reader {
    base: Url,
    writer: Writer,
    title: String,
    in_title: bool,
    /// The element that is skipped, and how many of its name are open.
    skipped: Option<(String, usize)>,
    /// How many `<pre>` are open.
    preformatted: usize,
    /// The open lists: the number of the next item, where they have numbers.
    lists: Vec<Option<u32>>,
    /// The open pieces that Markdown puts something around.
    pairs: Vec<Pair>,
}

/// A piece of text that Markdown puts something around.
struct Pair {
    element: &'static str,
    before: &'static str,
    after: String,
}

impl Reader {
    fn new(base: &Url) -> Self {
        Self {
            base: base.clone(),
            writer: Writer::default(),
            title: String::new(),
            in_title: false,
            skipped: None,
            preformatted: 0,
            lists: Vec::new(),
            pairs: Vec::new(),
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_title {
            self.title.push_str(text);
        } else if self.skipped.is_some() {
            // Nothing to read.
        } else if self.preformatted > 0 {
            let indentation = format!("\n{}", self.writer.indentation());
            self.writer.verbatim(&text.replace('\n', &indentation));
        } else {
            self.writer.words(text);
        }
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let name = name(&tag.name);
        if let Some((skipped, depth)) = &mut self.skipped {
            *depth += usize::from(*skipped == name);
            return;
        }
        if SKIPPED.contains(&name.as_str()) || (name == "title" && !self.title.is_empty()) {
            // `<svg/>` is the one of them that may end where it begins.
            self.skipped = (!tag.self_closing).then_some((name, 1));
            return;
        }
        self.writer.line_ends(line_ends(&name));
        match name.as_str() {
            "title" => self.in_title = true,
            "base" => self.base = self.link(tag, "href").unwrap_or_else(|| self.base.clone()),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.bytes().last().map_or(1, |digit| usize::from(digit - b'0'));
                self.writer.marker(&format!("{} ", "#".repeat(level)));
            }
            "ul" | "menu" => self.lists.push(None),
            "ol" => self.lists.push(Some(attribute(tag, "start").and_then(|start| start.parse().ok()).unwrap_or(1))),
            "li" => self.item(),
            "blockquote" => self.writer.indent("> "),
            "pre" => {
                self.writer.verbatim("```\n");
                let indentation = self.writer.indentation();
                self.writer.verbatim(&indentation);
                self.preformatted += 1;
            }
            "td" | "th" => {
                self.writer.words(" ");
                self.writer.verbatim("|");
                self.writer.words(" ");
            }
            "hr" => self.writer.verbatim("---"),
            "img" => self.image(tag),
            _ => self.open_pair(&name, tag),
        }
    }

    fn end(&mut self, name: &str) {
        if let Some((skipped, depth)) = &mut self.skipped {
            *depth -= usize::from(skipped == name);
            if *depth == 0 {
                self.skipped = None;
            }
            return;
        }
        match name {
            "title" => self.in_title = false,
            "pre" if self.preformatted > 0 => {
                self.preformatted -= 1;
                self.writer.line_ends(1);
                self.writer.verbatim("```");
            }
            "ul" | "ol" | "menu" => {
                self.lists.pop();
            }
            "blockquote" => self.writer.outdent(),
            _ => self.close_pair(name),
        }
        self.writer.line_ends(line_ends(name));
    }

    fn item(&mut self) {
        let indentation = "  ".repeat(self.lists.len().saturating_sub(1));
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{indentation}{}. ", *number - 1)
            }
            _ => format!("{indentation}- "),
        };
        self.writer.marker(&marker);
    }

    fn image(&mut self, tag: &StartTag<()>) {
        let alternative = attribute(tag, "alt").unwrap_or_default();
        let Some(source) = self.link(tag, "src") else { return };
        if !alternative.trim().is_empty() {
            self.writer.verbatim(&format!("![{}]({source})", alternative.trim()));
        }
    }

    fn open_pair(&mut self, name: &str, tag: &StartTag<()>) {
        let (element, before, after) = match name {
            "a" => {
                // A link in a link ends the outer one.
                self.close_pair("a");
                let Some(target) = self.link(tag, "href") else { return };
                ("a", "[", format!("]({target})"))
            }
            "code" | "kbd" | "samp" if self.preformatted == 0 => ("code", "`", "`".to_owned()),
            "strong" | "b" => ("strong", "**", "**".to_owned()),
            "em" | "i" => ("em", "*", "*".to_owned()),
            _ => return,
        };
        self.pairs.push(Pair { element, before, after });
        self.writer.open();
    }

    fn close_pair(&mut self, name: &str) {
        let element = match name {
            "kbd" | "samp" => "code",
            "b" => "strong",
            "i" => "em",
            other => other,
        };
        // Pairs that were opened since are left as they are: their end tags are missing, or come too late.
        if let Some(index) = self.pairs.iter().rposition(|pair| pair.element == element) {
            let pair = self.pairs.swap_remove(index);
            self.pairs.truncate(index);
            self.writer.close(index, pair.before, &pair.after);
        }
    }

    /// Where an attribute points to, if that is somewhere on the web.
    fn link(&self, tag: &StartTag<()>, name: &str) -> Option<Url> {
        let target = attribute(tag, name)?;
        let url = self.base.join(target.trim()).ok()?;
        matches!(url.scheme(), "http" | "https" | "mailto").then_some(url)
    }
}

/// How many line ends stand before and after an element.
fn line_ends(name: &str) -> usize {
    match name {
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre" | "blockquote" | "table" | "hr" | "dl" | "figure"
        | "article" | "section" | "main" | "header" | "footer" | "aside" | "form" | "fieldset" | "details" => 2,
        // A list in a list follows its item at once, and the next item follows it.
        "ul" | "ol" | "menu" | "li" | "tr" | "br" | "div" | "dt" | "dd" | "caption" | "figcaption" | "summary"
        | "address" | "option" | "legend" => 1,
        _ => 0,
    }
}

fn name(name: &HtmlString) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value: &Spanned<HtmlString, ()> = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests;
