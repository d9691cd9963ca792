//! From characters to tokens.

use std::fmt;

/// A piece of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Number(f64),
    Name(&'a str),
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
    Power,
    Factorial,
    Open,
    Close,
    Comma,
    End,
}

/// What is wrong, and where.
#[derive(Debug, PartialEq)]
pub(crate) struct Error {
    /// Counted in characters from 1.
    pub(crate) position: usize,
    pub(crate) message: String,
}

/// The tokens of an expression, one after the other.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, offset: 0 }
    }

    /// The next token and the offset at which it begins.
    pub(crate) fn next(&mut self) -> Result<(Token<'a>, usize), Error> {
        let rest = self.text[self.offset..].trim_start();
        let start = self.text.len() - rest.len();
        let Some(first) = rest.chars().next() else { return Ok((Token::End, start)) };
        let (token, length) = match first {
            '+' => (Token::Plus, 1),
            '-' => (Token::Minus, 1),
            '\u{2212}' => (Token::Minus, first.len_utf8()),
            '*' if rest.starts_with("**") => (Token::Power, 2),
            '*' => (Token::Times, 1),
            '\u{d7}' | '\u{b7}' => (Token::Times, first.len_utf8()),
            '/' => (Token::Divide, 1),
            '\u{f7}' => (Token::Divide, first.len_utf8()),
            '%' => (Token::Remainder, 1),
            '^' => (Token::Power, 1),
            '!' => (Token::Factorial, 1),
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '0'..='9' | '.' => {
                let length = number_length(rest);
                let number = rest[..length].parse().map_err(|_| self.error(start, "a number is not complete"))?;
                (Token::Number(number), length)
            }
            '\u{3c0}' => (Token::Name("pi"), first.len_utf8()),
            'a'..='z' | 'A'..='Z' => {
                let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                (Token::Name(&rest[..length]), length)
            }
            other => return Err(self.error(start, &format!("unexpected character `{other}`"))),
        };
        self.offset = start + length;
        Ok((token, start))
    }

    pub(crate) fn error(&self, offset: usize, message: &str) -> Error {
        Error { position: self.text[..offset].chars().count() + 1, message: message.to_owned() }
    }
}

/// How far `1`, `.5`, `1.5e-3` go. An `e` that no digit follows is a name, as in `2e`.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(0);
    if text[length..].starts_with('.') {
        length += 1;
        length += digits(length);
    }
    let exponent = &text[length..];
    if exponent.starts_with(['e', 'E']) {
        let sign = usize::from(exponent[1..].starts_with(['+', '-']));
        let count = digits(length + 1 + sign);
        if count > 0 {
            length += 1 + sign + count;
        }
    }
    length
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at position {}: {}", self.position, self.message)
    }
}
