//! Text in Markdown, with its spaces and lines put in order.

/// Collects a text. Spaces and line ends are asked for rather than written, so that none of them come twice, at the
/// beginning or at the end.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    text: String,
    space: bool,
    line_ends: usize,
    /// What comes before the next text: `# `, `- `.
    marker: String,
    /// What every line begins with: `> ` of quotations, spaces of lists.
    indents: Vec<&'static str>,
    /// How many of these the last line that was written has.
    written_indents: usize,
    /// The open pairs: where the text in each begins, once there is any.
    pairs: Vec<Option<usize>>,
}

impl Writer {
    /// A piece of text, in which white space only means that words end.
    pub(crate) fn words(&mut self, text: &str) {
        for word in text.split_inclusive(|c: char| c.is_ascii_whitespace()) {
            let bare = word.trim_end_matches(|c: char| c.is_ascii_whitespace());
            if !bare.is_empty() {
                self.verbatim(bare);
            }
            self.space |= bare.len() < word.len();
        }
    }

    /// A piece of text as it is.
    pub(crate) fn verbatim(&mut self, text: &str) {
        self.settle();
        self.text.push_str(text);
    }

    /// The next text begins a line, with so many line ends before it.
    pub(crate) fn line_ends(&mut self, count: usize) {
        self.line_ends = self.line_ends.max(count);
    }

    /// The next text begins with this.
    pub(crate) fn marker(&mut self, marker: &str) {
        self.marker.clear();
        self.marker.push_str(marker);
    }

    pub(crate) fn indent(&mut self, with: &'static str) {
        self.indents.push(with);
    }

    pub(crate) fn outdent(&mut self) {
        self.indents.pop();
    }

    pub(crate) fn indentation(&self) -> String {
        self.indents.concat()
    }

    /// Opens a pair: the next text is the first in it.
    pub(crate) fn open(&mut self) {
        self.pairs.push(None);
    }

    /// Closes the pair that was opened as the `index`th of those that are open, and all that were opened after it. Puts
    /// `before` and `after` around the text in it, if there is any. A text over several lines becomes one line, since
    /// Markdown's pairs end with a paragraph.
    pub(crate) fn close(&mut self, index: usize, before: &str, after: &str) {
        let start = self.pairs.get(index).copied().flatten();
        self.pairs.truncate(index);
        if let Some(start) = start {
            let inner = self.text.split_off(start);
            let inner: Vec<&str> = inner.split_ascii_whitespace().collect();
            self.text.push_str(&format!("{before}{}{after}", inner.join(" ")));
        }
    }

    /// The text, which ends with its last word.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    /// Writes what was asked for before the next text.
    fn settle(&mut self) {
        if self.text.is_empty() {
            self.line_ends = 0;
            self.space = false;
        }
        if self.line_ends > 0 {
            let both = self.written_indents.min(self.indents.len());
            let between = self.indents[..both].concat();
            for _ in 1..self.line_ends {
                self.text.push('\n');
                self.text.push_str(between.trim_end());
            }
            self.text.push('\n');
        } else if self.space {
            self.text.push(' ');
        }
        if self.text.is_empty() || self.line_ends > 0 {
            self.text.push_str(&self.indents.concat());
            self.written_indents = self.indents.len();
        }
        self.line_ends = 0;
        self.space = false;
        self.text.push_str(&self.marker);
        self.marker.clear();
        for start in self.pairs.iter_mut().rev().take_while(|start| start.is_none()) {
            *start = Some(self.text.len());
        }
    }
}
