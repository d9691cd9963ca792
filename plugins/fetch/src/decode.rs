//! From bytes to text.

/// What the bytes 0x80 to 0x9f mean in windows-1252, which is also what the web means by latin-1.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text of a body: in the two encodings that nearly all of the web has. Bytes that mean nothing in UTF-8 become `�`.
pub(crate) fn text(body: Vec<u8>, content_type: &str) -> String {
    let charset = content_type.split(';').filter_map(|part| part.trim().strip_prefix("charset=")).next();
    let latin = charset
        .is_some_and(|name| matches!(name.trim_matches('"'), "iso-8859-1" | "latin1" | "windows-1252" | "us-ascii"));
    if latin {
        body.iter().map(|byte| latin_character(*byte)).collect()
    } else {
        String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

fn latin_character(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_of_the_web_are_read() {
        assert_eq!(text(vec![0xc3, 0xa4], "text/html"), "ä");
        assert_eq!(text(vec![0xe4, 0x80], "text/html; charset=iso-8859-1"), "ä€");
        assert_eq!(text(vec![b'a', 0xff], "text/html; charset=\"utf-8\""), "a\u{fffd}");
    }
}
