//! Days.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

/// A day of the Gregorian calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i64,
    month: u8,
    day: u8,
}

impl Date {
    /// Reads `2027-12-31`; `None` where that is no day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_legal = |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
        if text.len() != 10 || !text.bytes().enumerate().all(is_legal) {
            return None;
        }
        let date =
            Self { year: text[..4].parse().ok()?, month: text[5..7].parse().ok()?, day: text[8..].parse().ok()? };
        ((1..=12).contains(&date.month) && (1..=days_of(date.year, date.month)).contains(&date.day)).then_some(date)
    }

    /// The day that it is.
    #[must_use]
    pub fn today() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::after_epoch(since.as_secs() / 86_400)
    }

    /// So many days after 1970-01-01.
    fn after_epoch(mut days: u64) -> Self {
        let mut date = Self { year: 1970, month: 1, day: 1 };
        while days >= u64::from(days_of(date.year, date.month)) {
            days -= u64::from(days_of(date.year, date.month));
            (date.year, date.month) = if date.month == 12 { (date.year + 1, 1) } else { (date.year, date.month + 1) };
        }
        // Fewer than a month's.
        date.day += u8::try_from(days).unwrap_or_default();
        date
    }
}

fn days_of(year: i64, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read() {
        for day in ["2027-12-31", "2028-02-29", "2000-02-29", "0001-01-01"] {
            assert_eq!(Date::parse(day).unwrap().to_string(), day);
        }
        for bad in ["", "2027-02-29", "1900-02-29", "2027-13-01", "2027-00-01", "2027-01-00", "27-01-01", "2027-1-011"]
        {
            assert_eq!(Date::parse(bad), None, "{bad}");
        }
        assert!(Date::parse("2027-12-31") < Date::parse("2028-01-01"));
        assert!(Date::parse("２０２７").is_none());
    }

    #[test]
    fn days_are_counted() {
        for (days, day) in [(0, "1970-01-01"), (59, "1970-03-01"), (11_016, "2000-02-29"), (20_778, "2026-11-21")] {
            assert_eq!(Date::after_epoch(days).to_string(), day);
        }
        assert!(Date::today() > Date::after_epoch(20_000));
    }
}
