//! A counter, and what an increment makes of it.

use std::collections::BTreeMap;

use js_proto::{CounterSources, CounterValue, KnownError, PublishHeaders, Whole, errors, headers};

use crate::{Said, header_edit};

/// What a counter has come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counter {
    pub(crate) sum: Whole,
    /// What the counters of other streams had come to when they were added.
    sources: CounterSources,
}

/// What becomes of a message that adds to a counter.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) counter: Counter,
    /// Its header, if it is another one than came.
    pub(crate) header: Option<Vec<u8>>,
    pub(crate) payload: Vec<u8>,
}

/// A message as it came, and what it asks for.
#[derive(Clone, Copy)]
pub(crate) struct Adding<'a> {
    pub(crate) subject: &'a [u8],
    pub(crate) header: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) asks: &'a PublishHeaders<'a>,
}

/// What counters come to by the messages of a batch so far.
pub(crate) type CounterDiff = BTreeMap<Box<[u8]>, Counter>;

/// What counters had come to by their last messages, and which these were.
pub(crate) type FoundCounters = BTreeMap<Box<[u8]>, (u64, Counter)>;

impl Adding<'_> {
    /// What it adds.
    pub(crate) fn increment(&self) -> Result<Whole, &'static KnownError> {
        match self.asks.incr {
            Some(Ok(increment)) => Ok(increment.into()),
            _ => Err(&errors::MESSAGE_INCR_MISSING),
        }
    }
}

impl Counter {
    /// What its last message says. None if that is not of a counter.
    pub(crate) fn read(said: Said<'_>) -> Option<Self> {
        let sum = CounterValue::read(said.payload)?;
        let mut fields = headers::fields(said.header);
        let sources = fields.find(|(name, _)| *name == headers::COUNTER_SOURCES.as_bytes());
        let sources = match sources.filter(|(_, value)| !value.is_empty()) {
            Some((_, value)) => CounterSources::parse(value)?,
            None => CounterSources::default(),
        };
        Some(Self { sum, sources })
    }

    /// Adds what a message says. One that was taken from another counter adds what that has come to since. None if it
    /// does not say how far that is.
    fn add(mut self, adding: &Adding<'_>, increment: Whole) -> Option<Counted> {
        let mut header = None;
        let increment = match adding.asks.stream_source {
            None => increment,
            Some(source) => {
                let since = self.take_from(source, adding)?;
                let header = header.insert(adding.header.to_vec());
                header_edit::set(header, headers::INCR, since.to_string().as_bytes());
                since
            }
        };
        self.sum = self.sum.plus(&increment);
        if !self.sources.0.is_empty() {
            let header = header.get_or_insert_with(|| adding.header.to_vec());
            header_edit::set(header, headers::COUNTER_SOURCES, &self.sources.to_json());
        }
        let payload = CounterValue::payload(&self.sum);
        Some(Counted { counter: self, header, payload })
    }

    /// The same, if the message is then not too large.
    pub(crate) fn counted(
        self,
        adding: &Adding<'_>,
        increment: Whole,
        bytes_max: usize,
    ) -> Result<Box<Counted>, &'static KnownError> {
        let counted = self.add(adding, increment).ok_or(&errors::MESSAGE_COUNTER_BROKEN)?;
        let header = counted.header.as_deref().unwrap_or(adding.header);
        if header.len() + counted.payload.len() > bytes_max {
            return Err(&errors::STREAM_MESSAGE_EXCEEDS_MAXIMUM);
        }
        Ok(Box::new(counted))
    }

    /// Notes what a counter elsewhere has come to. Returns how much that is more than it was.
    fn take_from(&mut self, source: &[u8], adding: &Adding<'_>) -> Option<Whole> {
        let there = CounterValue::read(adding.payload)?;
        let text = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        let mut fields = source.split(|byte| *byte == b' ');
        let stream = text(fields.next().unwrap_or_default());
        let subject = text(fields.nth(3).unwrap_or(adding.subject));
        let of_stream = self.sources.0.entry(stream).or_default();
        let before = of_stream.0.insert(subject, there.to_string());
        let before = before.and_then(|before| Whole::parse(before.as_bytes())).unwrap_or_default();
        Some(there.minus(&before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a message is stored as, by what the last one of its subject says.
    fn counted(last: Option<(&str, &str)>, header: &str, payload: &str) -> Option<(String, String)> {
        let said =
            last.map(|(header, payload)| Said { header: header.as_bytes(), payload: payload.as_bytes() });
        let before = said.map_or(Some(Counter::default()), Counter::read)?;
        let asks = PublishHeaders::parse(header.as_bytes());
        let adding =
            Adding { subject: b"t.x", header: header.as_bytes(), payload: payload.as_bytes(), asks: &asks };
        let increment = adding.increment().ok()?;
        let counted = before.add(&adding, increment)?;
        let header =
            counted.header.map_or_else(|| header.to_owned(), |header| String::from_utf8(header).unwrap());
        Some((header, String::from_utf8(counted.payload).unwrap()))
    }

    #[test]
    fn an_increment_is_added_to_what_the_last_message_says() {
        let header = "NATS/1.0\r\nNats-Incr: +5\r\n\r\n";
        let first = counted(None, header, "").unwrap();
        assert_eq!(first, (header.to_owned(), r#"{"val":"5"}"#.to_owned()));
        let next = counted(Some((&first.0, &first.1)), "NATS/1.0\r\nNats-Incr: -7\r\n\r\n", "").unwrap();
        assert_eq!(next.1, r#"{"val":"-2"}"#);
        for broken in ["", "x", r#"{"val":1}"#] {
            assert_eq!(counted(Some(("", broken)), header, ""), None, "{broken}");
        }
        let bad_sources = "NATS/1.0\r\nNats-Counter-Sources: x\r\n\r\n";
        assert_eq!(counted(Some((bad_sources, r#"{"val":"1"}"#)), header, ""), None);
    }

    /// Recorded: `pub-counter-source`.
    #[test]
    fn what_is_taken_from_other_counters_adds_what_they_have_come_to_since() {
        let taken = |source: &str, increment: &str| {
            format!("NATS/1.0\r\nNats-Incr: {increment}\r\nNats-Stream-Source: {source}\r\n\r\n")
        };
        let one = counted(None, &taken("A 1 a.> t.> a.x", "3"), r#"{"val":"3"}"#).unwrap();
        assert_eq!(
            one.0,
            "NATS/1.0\r\nNats-Incr: 3\r\nNats-Stream-Source: A 1 a.> t.> a.x\r\n\
            Nats-Counter-Sources: {\"A\":{\"a.x\":\"3\"}}\r\n\r\n"
        );
        let two = counted(Some((&one.0, &one.1)), &taken("B 1 b.> t.> b.x", "4"), r#"{"val":"4"}"#).unwrap();
        // The first of the two increments between was not seen.
        let three =
            counted(Some((&two.0, &two.1)), &taken("A 3 a.> t.> a.x", "1"), r#"{"val":"9"}"#).unwrap();
        assert_eq!(
            three.0,
            "NATS/1.0\r\nNats-Incr: 6\r\nNats-Stream-Source: A 3 a.> t.> a.x\r\n\
            Nats-Counter-Sources: {\"A\":{\"a.x\":\"9\"},\"B\":{\"b.x\":\"4\"}}\r\n\r\n"
        );
        assert_eq!(three.1, r#"{"val":"13"}"#);
        // What is added here is of no other stream, and the others are remembered.
        let own = counted(Some((&three.0, &three.1)), "NATS/1.0\r\nNats-Incr: 1\r\n\r\n", "").unwrap();
        assert_eq!(
            own,
            (
                "NATS/1.0\r\nNats-Incr: 1\r\n\
                Nats-Counter-Sources: {\"A\":{\"a.x\":\"9\"},\"B\":{\"b.x\":\"4\"}}\r\n\r\n"
                    .to_owned(),
                r#"{"val":"14"}"#.to_owned()
            )
        );
        assert_eq!(counted(None, &taken("A", "1"), ""), None, "it does not say how far the other one is");
    }
}
