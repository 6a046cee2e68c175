//! Counters: what a message of a stream of counters says, and whole numbers of any length.

use std::collections::BTreeMap;
use std::fmt;

use nats_proto::go_json::{Field, Item, Mismatch, Value, compact, read_into, read_value_into};
use serde::Serialize;

use crate::Increment;
use crate::go_struct::go_structs;

go_structs! {
    /// What a message of a stream of counters says.
    pub struct CounterValue = "server.CounterValue" {
        /// Its sum so far, in decimal digits.
        val: String = "val";
    }
}

/// A whole number of any length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whole {
    is_negative: bool,
    /// Decimal digits as bytes from 0 to 9, the last one first, none of them leading zeros. Zero has none.
    digits: Vec<u8>,
}

impl Whole {
    /// Reads digits, with a sign or without.
    pub fn parse(text: &[u8]) -> Option<Self> {
        Increment::parse(text).ok().map(Self::from)
    }

    /// The sum of both.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        if self.is_negative == other.is_negative {
            return Self { is_negative: self.is_negative, digits: sum(&self.digits, &other.digits) };
        }
        let (larger, smaller) = if self.is_smaller_than(other) { (other, self) } else { (self, other) };
        Self::trimmed(larger.is_negative, difference(&larger.digits, &smaller.digits))
    }

    /// How much it is more than the other one.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let is_negative = !other.is_negative && !other.digits.is_empty();
        self.plus(&Self { is_negative, digits: other.digits.clone() })
    }

    /// Whether it is nearer to zero.
    fn is_smaller_than(&self, other: &Self) -> bool {
        let (own, others) = (self.digits.iter().rev(), other.digits.iter().rev());
        self.digits.len().cmp(&other.digits.len()).then_with(|| own.cmp(others)).is_lt()
    }

    fn trimmed(is_negative: bool, mut digits: Vec<u8>) -> Self {
        let len = digits.iter().rposition(|digit| *digit > 0).map_or(0, |last| last + 1);
        digits.truncate(len);
        Self { is_negative: is_negative && len > 0, digits }
    }

    /// Bytes that it takes, about.
    pub fn cost(&self) -> usize {
        self.digits.len()
    }
}

impl From<Increment<'_>> for Whole {
    fn from(increment: Increment<'_>) -> Self {
        let digits = increment.digits.bytes().rev().map(|digit| digit - b'0').collect();
        Self::trimmed(increment.is_negative, digits)
    }
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        let digits: String = self.digits.iter().rev().map(|digit| char::from(digit + b'0')).collect();
        f.pad_integral(!self.is_negative, "", &digits)
    }
}

fn sum(one: &[u8], other: &[u8]) -> Vec<u8> {
    let (longer, shorter) = if one.len() < other.len() { (other, one) } else { (one, other) };
    let mut carry = 0;
    let mut digits = Vec::with_capacity(longer.len() + 1);
    for (at, digit) in longer.iter().enumerate() {
        let sum = digit + shorter.get(at).unwrap_or(&0) + carry;
        digits.push(sum % 10);
        carry = sum / 10;
    }
    digits.extend((carry > 0).then_some(carry));
    digits
}

/// Of a number and one that is not larger.
fn difference(larger: &[u8], smaller: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let digits = larger.iter().enumerate().map(|(at, digit)| {
        let less = smaller.get(at).unwrap_or(&0) + borrow;
        borrow = u8::from(*digit < less);
        digit + 10 * borrow - less
    });
    digits.collect()
}

impl CounterValue {
    /// What a message says whose counter has come to that.
    pub fn payload(sum: &Whole) -> Vec<u8> {
        format!(r#"{{"val":"{sum}"}}"#).into_bytes()
    }

    /// What a counter has come to by what its last message says; none if that is not of a counter.
    pub fn read(payload: &[u8]) -> Option<Whole> {
        let mut value = Self::default();
        read_into(payload, &mut value).ok()?;
        Whole::parse(value.val.as_bytes())
    }
}

/// What the sources of a counter had when they were last added: by stream, and by its subject.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct CounterSources(pub BTreeMap<String, SubjectSums>);

/// The same of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SubjectSums(pub BTreeMap<String, String>);

impl CounterSources {
    /// Reads what stands in the header; none if that is something else.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut sources = Self::default();
        read_value_into(text, &mut sources.0).ok()?;
        Some(sources)
    }

    /// What stands in the header.
    pub fn to_json(&self) -> Vec<u8> {
        compact(self)
    }
}

impl Field for SubjectSums {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        self.0.store(value)
    }
}

impl Item for SubjectSums {
    const LIST: &'static str = "[]map[string]string";
    const MAP: &'static str = "server.CounterSources";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(text: &str) -> Whole {
        Whole::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn numbers_are_of_any_length() {
        for (one, other, both) in [
            ("0", "-0", "0"),
            ("+5", "-2", "3"),
            ("-5", "+5", "0"),
            ("999", "1", "1000"),
            ("-999", "-1", "-1000"),
            ("1000", "-1", "999"),
            ("100000000000000000000000000000", "1", "100000000000000000000000000001"),
            ("-100000000000000000000000000000", "00001", "-99999999999999999999999999999"),
        ] {
            assert_eq!(whole(one).plus(&whole(other)).to_string(), both, "{one} {other}");
            assert_eq!(whole(other).plus(&whole(one)).to_string(), both, "{other} {one}");
        }
        assert_eq!(Whole::parse(b"x"), None);
    }

    #[test]
    fn a_message_says_what_its_counter_has_come_to() {
        assert_eq!(CounterValue::payload(&whole("-12")), br#"{"val":"-12"}"#);
        assert_eq!(CounterValue::read(br#"{"val":"-12"}"#), Some(whole("-12")));
        for payload in ["", "{}", "3", r#"{"val":3}"#, r#"{"val":"x"}"#] {
            assert_eq!(CounterValue::read(payload.as_bytes()), None, "{payload}");
        }
    }

    #[test]
    fn sources_are_told_apart_by_stream_and_subject() {
        let text = br#"{"A":{"a.x":"4"},"B":{"b.x":"4"}}"#;
        let sources = CounterSources::parse(text).unwrap();
        assert_eq!(sources.0["B"].0["b.x"], "4");
        assert_eq!(sources.to_json(), text);
        for text in ["", "x", "[]", r#"{"A":1}"#, r#"{"A":{"a":1}}"#] {
            assert_eq!(CounterSources::parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn sums_are_right(one in -1_000_000_i64..1_000_000, other: i32) {
            let sum = whole(&one.to_string()).plus(&whole(&other.to_string()));
            prop_assert_eq!(sum.to_string(), (one + i64::from(other)).to_string());
            let less = whole(&one.to_string()).minus(&whole(&other.to_string()));
            prop_assert_eq!(less.to_string(), (one - i64::from(other)).to_string());
        }
    }
}
