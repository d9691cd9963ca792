//! Durations and sizes as they stand in configuration: `30`, `30s`, `5m`; `65536`, `64KiB`, `64MiB`.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

/// A duration: a number of seconds, or a number with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(Duration);

/// A size: a number of bytes, or a number with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

/// A text that is no duration, or no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// No duration.
    #[error("{0:?} is no duration: write seconds (`30`), or a number with `ms`, `s`, `m`, `h` or `d` (`30s`, `5m`)")]
    Duration(String),
    /// No size.
    #[error(
        "{0:?} is no size: write bytes (`65536`), or a number with `KiB`, `MiB`, `GiB`, `kB`, `MB` or `GB` (`64MiB`)"
    )]
    Size(String),
}

/// Nanoseconds of each unit. The first is what a bare number means.
const DURATIONS: [(&str, f64); 6] =
    [("s", 1e9), ("ms", 1e6), ("m", 60e9), ("min", 60e9), ("h", 3600e9), ("d", 86400e9)];

/// Bytes of each unit. The first is what a bare number means.
const SIZES: [(&str, f64); 11] = [
    ("b", 1.0),
    ("k", 1024.0),
    ("m", 1048576.0),
    ("g", 1073741824.0),
    ("kib", 1024.0),
    ("mib", 1048576.0),
    ("gib", 1073741824.0),
    ("tib", 1099511627776.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
];

/// The largest number of a unit that is still exact: beyond it a `f64` skips whole numbers.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Seconds {
    /// That many seconds.
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// As the standard library's type.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl Size {
    /// That many bytes.
    #[must_use]
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// That many mebibytes.
    #[must_use]
    pub const fn mib(mebibytes: u64) -> Self {
        Self(mebibytes << 20)
    }

    /// In bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// Splits `text` into number and unit and multiplies them; `None` where it is neither, or too large.
fn measure(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start().to_ascii_lowercase();
    let factor = match unit.as_str() {
        "" => units.first()?.1,
        unit => units.iter().find(|(name, _)| *name == unit)?.1,
    };
    let value = number.parse::<f64>().ok()? * factor;
    value.is_finite().then_some(value)
}

impl FromStr for Seconds {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let error = || UnitError::Duration(text.to_owned());
        let nanoseconds = measure(text, &DURATIONS).ok_or_else(error)?;
        Duration::try_from_secs_f64(nanoseconds / 1e9).map(Self).map_err(|_| error())
    }
}

impl FromStr for Size {
    type Err = UnitError;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, positive and below 2^53")]
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bytes = measure(text, &SIZES).filter(|bytes| *bytes < EXACT);
        bytes.map(|bytes| Self(bytes.round() as u64)).ok_or_else(|| UnitError::Size(text.to_owned()))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_nanos() {
            0 => write!(f, "{}s", self.0.as_secs()),
            _ => write!(f, "{}s", self.0.as_secs_f64()),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
        match units.into_iter().find(|(shift, _)| self.0 > 0 && self.0.trailing_zeros() >= *shift) {
            Some((shift, unit)) => write!(f, "{}{unit}", self.0 >> shift),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

/// Reads a unit from a number or a text.
struct Reader<T> {
    expected: &'static str,
    whole: fn(u64) -> T,
}

impl<T: FromStr<Err = UnitError>> Visitor<'_> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        Ok((self.whole)(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        value.to_string().parse().map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        value.to_string().parse().map_err(E::custom)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        value.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader { expected: "a duration like `30` or `5m`", whole: Self::new })
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader { expected: "a size like `65536` or `64MiB`", whole: Self::bytes })
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.subsec_nanos() {
            0 => serializer.serialize_u64(self.0.as_secs()),
            _ => serializer.serialize_f64(self.0.as_secs_f64()),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl JsonSchema for Seconds {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Seconds, or a number with a unit: `ms`, `s`, `m`, `h`, `d`.",
            "anyOf": [
                { "type": "number", "minimum": 0 },
                { "type": "string", "pattern": r"^\s*[0-9.]+\s*(ms|s|m|min|h|d)?\s*$" },
            ],
            "examples": [30, "30s", "5m"],
        })
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Bytes, or a number with a unit: `KiB`, `MiB`, `GiB` (1024), `kB`, `MB`, `GB` (1000).",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": r"^\s*[0-9.]+\s*([kKmMgG]?[bB]?|[kKmMgGtT]i[bB])\s*$" },
            ],
            "examples": [65536, "64MiB"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let read = |text: &str| text.parse::<Seconds>().map(Seconds::duration);
        assert_eq!(read("30"), Ok(Duration::from_secs(30)));
        assert_eq!(read("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(read("5 m"), Ok(Duration::from_secs(300)));
        assert_eq!(read("1.5h"), Ok(Duration::from_secs(5400)));
        assert_eq!(read("250ms"), Ok(Duration::from_millis(250)));
        for bad in ["", "s", "fast", "-1", "30 parsecs", "1e400", "99999999999999999999d"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        let read = |text: &str| text.parse::<Size>().map(Size::get);
        assert_eq!(read("65536"), Ok(65536));
        assert_eq!(read("64MiB"), Ok(64 << 20));
        assert_eq!(read("64 mb"), Ok(64_000_000));
        assert_eq!(read("1.5KiB"), Ok(1536));
        for bad in ["", "MiB", "64 megs", "-1", "99999TiB"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(Size::mib(64).to_string(), "64MiB");
        assert_eq!(Size::bytes(1000).to_string(), "1000 bytes");
    }

    #[test]
    fn numbers_and_texts_are_read() {
        assert_eq!(serde_json::from_str::<Seconds>("30").unwrap(), Seconds::new(30));
        assert_eq!(serde_json::from_str::<Seconds>("0.5").unwrap().duration(), Duration::from_millis(500));
        assert_eq!(serde_json::from_str::<Size>("\"4MiB\"").unwrap(), Size::mib(4));
        assert!(serde_json::from_str::<Seconds>("-1").is_err());
        assert!(serde_json::from_str::<Size>("true").is_err());
    }
}
