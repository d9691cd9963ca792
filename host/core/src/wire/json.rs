//! The members of one JSON object, without reading what they hold.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::payload::Json;

/// The members of an object, in order, each a slice of the text it was read from.
#[derive(Debug, Default)]
pub struct Members<'a>(SmallVec<[(Cow<'a, str>, &'a RawValue); 8]>);

/// An object that says the same thing twice, or nearly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the member {found:?} stands beside {known:?}")]
pub struct Ambiguous {
    found: String,
    known: String,
}

impl<'a> Members<'a> {
    /// Reads one object.
    ///
    /// # Errors
    /// Where the text is no JSON object.
    pub fn read(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// The member of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// The member of that name as a slice of `frame`, the text that was read.
    #[must_use]
    pub fn part(&self, frame: &Bytes, name: &str) -> Option<Json> {
        self.get(name).map(|raw| Json::part(frame, raw))
    }

    /// The member of that name, where it is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        #[derive(Deserialize)]
        struct Text<'b>(#[serde(borrow)] Cow<'b, str>);
        self.get(name).and_then(|raw| serde_json::from_str::<Text<'a>>(raw.get()).ok()).map(|text| text.0)
    }

    /// All members.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (&**key, *value))
    }

    /// Refuses a member that stands there twice, or that differs from a known one in case alone. Some JSON readers
    /// (Go's) take such members for the same, so that what was checked here would not be what is done there.
    ///
    /// # Errors
    /// The first such member.
    pub fn unambiguous(&self, known: &[&str]) -> Result<(), Ambiguous> {
        for (at, (key, _)) in self.0.iter().enumerate() {
            let twice = self.0[..at].iter().any(|(earlier, _)| earlier == key);
            let alike = known.iter().find(|name| *name != key && folds_to(key, name));
            if let Some(known) = alike.copied().or(twice.then_some(key)) {
                return Err(Ambiguous { found: key.to_string(), known: known.to_owned() });
            }
        }
        Ok(())
    }
}

/// Whether `key` equals the ASCII text `name` but for case. Unicode folds two further characters to ASCII letters:
/// LATIN SMALL LETTER LONG S to `s`, KELVIN SIGN to `k`.
fn folds_to(key: &str, name: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars().map(fold))
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                #[derive(Deserialize)]
                struct Key<'b>(#[serde(borrow)] Cow<'b, str>);
                let mut members = SmallVec::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Writes an object member by member.
#[derive(Debug)]
pub struct Object {
    text: Vec<u8>,
}

impl Object {
    /// An object without members, with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        let mut text = Vec::with_capacity(capacity);
        text.push(b'{');
        Self { text }
    }

    /// Adds a member whose value is JSON text already.
    pub fn raw(&mut self, name: &str, json: &[u8]) -> &mut Self {
        if self.text.len() > 1 {
            self.text.push(b',');
        }
        write_string(&mut self.text, name);
        self.text.push(b':');
        self.text.extend_from_slice(json);
        self
    }

    /// Adds a member whose value is a text.
    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        let mut quoted = Vec::with_capacity(value.len() + 2);
        write_string(&mut quoted, value);
        self.raw(name, &quoted)
    }

    /// The object.
    #[must_use]
    pub fn finish(mut self) -> Json {
        self.text.push(b'}');
        Json::trusted(self.text)
    }
}

/// Writes `text` as a JSON string.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(Json::from_value(text).as_bytes());
    }
}

/// The object `json` with the value of its member `name` replaced: every other byte stays as it is. `None` where it
/// has no such member.
#[must_use]
pub fn replace(json: &Json, name: &str, value: &[u8]) -> Option<Json> {
    let old = Members::read(json.as_bytes()).ok()?.get(name)?.get().as_bytes();
    let start = old.as_ptr() as usize - json.as_bytes().as_ptr() as usize;
    let (before, rest) = json.as_bytes().split_at(start);
    let mut text = Vec::with_capacity(json.as_bytes().len() + value.len());
    text.extend_from_slice(before);
    text.extend_from_slice(value);
    text.extend_from_slice(&rest[old.len()..]);
    Some(Json::trusted(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_bytes() {
        let text = br#"{"a": 1.50, "b\u0063": {"x":[1, 2]}, "s":"q\"q"}"#;
        let members = Members::read(text).unwrap();
        assert_eq!(members.get("a").unwrap().get(), "1.50");
        assert_eq!(members.get("bc").unwrap().get(), r#"{"x":[1, 2]}"#);
        assert_eq!(members.text("s").unwrap(), "q\"q");
        assert_eq!(members.text("a"), None);
        assert!(Members::read(b"[1]").is_err());
    }

    #[test]
    fn near_duplicates_are_refused() {
        let check = |text: &str| Members::read(text.as_bytes()).unwrap().unambiguous(&["name", "task"]);
        assert!(check(r#"{"name":1,"other":2,"Other":3}"#).is_ok());
        assert!(check(r#"{"name":1,"name":2}"#).is_err());
        assert!(check(r#"{"name":1,"Name":2}"#).is_err());
        assert!(check("{\"NAME\":1}").is_err());
        assert!(check("{\"ta\u{17f}k\":1}").is_err());
        assert!(check("{\"tas\u{212a}\":1}").is_err());
    }

    #[test]
    fn replacing_touches_nothing_else() {
        let json = Json::parse(r#"{"x": {"name":"no"}, "name" : "old","z":1e400}"#).unwrap();
        let new = replace(&json, "name", b"\"new\"").unwrap();
        assert_eq!(new.as_str(), r#"{"x": {"name":"no"}, "name" : "new","z":1e400}"#);
        assert!(replace(&json, "missing", b"1").is_none());
    }

    #[test]
    fn objects_are_composed() {
        let mut object = Object::with_capacity(64);
        object.raw("a", b"1").text("b", "line\n\"q\"");
        assert_eq!(object.finish().as_str(), r#"{"a":1,"b":"line\n\"q\""}"#);
    }
}
