//! The choices in the configurations of streams and consumers.

use nats_proto::go_json::{Mismatch, Value};
use nats_proto::quote;

use crate::words::words;

words! {
    /// What keeps a message in a stream.
    pub enum Retention, cannot_unmarshal => {
        /// The stream's limits.
        Limits = "limits",
        /// That a consumer wants it has not acknowledged it.
        Interest = "interest",
        /// That nobody has acknowledged it.
        WorkQueue = "workqueue",
    }

    /// What gives way when a stream is full.
    pub enum Discard, in_any_case => {
        /// The oldest messages.
        Old = "old",
        /// The new one.
        New = "new",
    }

    /// Where messages are kept.
    pub enum Storage, cannot_unmarshal => {
        /// In files.
        File = "file",
        /// In memory, until the server stops.
        Memory = "memory",
    }

    /// Whether files are packed.
    pub enum Compression, with_escapes => {
        /// As they are.
        None = "none",
        /// With S2, or what the server has instead.
        S2 = "s2",
    }

    /// When a message is acknowledged to its publisher.
    pub enum PersistMode, cannot_unmarshal => {
        /// When it is stored.
        Default = "default" | "",
        /// When it is going to be.
        Async = "async",
    }

    /// Where a consumer begins.
    pub enum DeliverPolicy, cannot_unmarshal => {
        /// At the first message.
        All = "all" | "undefined",
        /// At the last message.
        Last = "last",
        /// Behind the last message.
        New = "new",
        /// At a sequence.
        ByStartSequence = "by_start_sequence",
        /// At a time.
        ByStartTime = "by_start_time",
        /// At the last message of each subject.
        LastPerSubject = "last_per_subject",
    }

    /// What is to be acknowledged.
    pub enum AckPolicy, cannot_unmarshal => {
        /// Nothing: what was delivered is done.
        None = "none",
        /// Each acknowledgement is for all before it as well.
        All = "all",
        /// Each message.
        Explicit = "explicit",
        /// Nothing but what flow control asks for.
        FlowControl = "flow_control",
    }

    /// How fast messages are delivered.
    pub enum ReplayPolicy, cannot_unmarshal => {
        /// As fast as they are taken.
        Instant = "instant",
        /// As they came in.
        Original = "original",
    }

    /// Who of those who pull is served.
    pub enum PriorityPolicy, no_priority_policy => {
        /// Everybody in turn.
        None = "none",
        /// Some only when much waits.
        Overflow = "overflow",
        /// One, until it falls silent.
        PinnedClient = "pinned_client",
        /// Lower numbers first.
        Prioritized = "prioritized",
    }

    /// What a request to make a consumer may do.
    pub enum ConsumerAction, no_action => {
        /// Make it or change it.
        CreateOrUpdate = "",
        /// Change it only.
        Update = "update",
        /// Make it only.
        Create = "create",
    }
}

pub(crate) fn cannot_unmarshal<T>(value: Value<'_>) -> Result<T, Mismatch> {
    Err(Mismatch::of_value(format!("can not unmarshal {}", quote(value.bytes()))))
}

fn in_any_case(value: Value<'_>) -> Result<Discard, Mismatch> {
    match value.bytes().to_ascii_lowercase().as_slice() {
        b"\"old\"" => Ok(Discard::Old),
        b"\"new\"" => Ok(Discard::New),
        _ => cannot_unmarshal(value),
    }
}

fn with_escapes(value: Value<'_>) -> Result<Compression, Mismatch> {
    match (value.kind(), value.string().as_deref()) {
        ("string", Some("none")) => Ok(Compression::None),
        ("string", Some("s2")) => Ok(Compression::S2),
        ("string" | "null", _) => Err(Mismatch::of_value("unknown compression algorithm")),
        (kind, _) => {
            Err(Mismatch::of_value(format!("json: cannot unmarshal {kind} into Go value of type string")))
        }
    }
}

fn no_priority_policy<T>(value: Value<'_>) -> Result<T, Mismatch> {
    let value = String::from_utf8_lossy(value.bytes());
    Err(Mismatch::of_value(format!("unknown priority policy: {value}")))
}

fn no_action<T>(value: Value<'_>) -> Result<T, Mismatch> {
    let value = String::from_utf8_lossy(value.bytes());
    Err(Mismatch::of_value(format!("unknown consumer action: {value}")))
}

#[cfg(test)]
mod tests {
    use nats_proto::go_json::{BodyError, Field, Fields, read_into};

    use super::*;

    #[derive(Default)]
    struct Chosen<T>(T);

    impl<T: Field> Fields for Chosen<T> {
        fn go_type(&self) -> &'static str {
            "server.Chosen"
        }

        fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
            (name == "it").then_some(&mut self.0)
        }
    }

    fn read<T: Field + Default>(text: &str) -> Result<T, BodyError> {
        let mut chosen = Chosen::default();
        read_into(format!("{{\"it\":{text}}}").as_bytes(), &mut chosen).map(|()| chosen.0)
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for policy in DeliverPolicy::ALL {
            assert_eq!(read(&format!("\"{}\"", policy.word())), Ok(*policy));
        }
        assert_eq!(read(r#""undefined""#), Ok(DeliverPolicy::All));
        assert_eq!(read(r#""nEw""#), Ok(Discard::New));
        assert_eq!(read(r#""\u0073\u0032""#), Ok(Compression::S2));
        assert_eq!(read(r#""""#), Ok(PersistMode::Default));
        assert_eq!(read(r#""""#), Ok(ConsumerAction::CreateOrUpdate));
    }

    #[test]
    fn other_values_are_refused_in_the_words_of_go() {
        let words = |error: Result<_, BodyError>| error.unwrap_err().to_string();
        assert_eq!(words(read::<Retention>("null").map(drop)), r#"can not unmarshal "null""#);
        assert_eq!(words(read::<Storage>(r#""File""#).map(drop)), r#"can not unmarshal "\"File\"""#);
        assert_eq!(
            words(read::<AckPolicy>(r#""\u0061ll""#).map(drop)),
            r#"can not unmarshal "\"\\u0061ll\"""#
        );
        assert_eq!(words(read::<PriorityPolicy>("1").map(drop)), "unknown priority policy: 1");
        assert_eq!(words(read::<ConsumerAction>(r#""x""#).map(drop)), r#"unknown consumer action: "x""#);
        assert_eq!(words(read::<Compression>("null").map(drop)), "unknown compression algorithm");
    }
}
