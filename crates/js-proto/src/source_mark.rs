//! What a message says of the stream that it was taken from: `Nats-Stream-Source`.

use crate::digits::{parse_number, push_number};
use crate::{StreamSource, name_hash};

/// What stands for any subject, and for one that stays as it is.
const ANY: &str = ">";

/// What tells a source of a stream from its others. It stands in the header of each message that came by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMark {
    stream: String,
    filters: String,
    destinations: String,
}

impl SourceMark {
    /// That of a source.
    pub fn of(source: &StreamSource) -> Self {
        let mut stream = source.name.clone();
        if let Some(external) = &source.external {
            stream.push(':');
            stream.push_str(&name_hash(&external.api));
        }
        if let Some(consumer) = &source.consumer {
            stream.push_str(":C=");
            stream.push_str(&name_hash(&consumer.name));
        }
        let or_any = |subject: &String| if subject.is_empty() { ANY.to_owned() } else { subject.clone() };
        let transforms = &source.subject_transforms;
        let (filters, destinations) = if transforms.is_empty() {
            (or_any(&source.filter_subject), ANY.to_owned())
        } else {
            let filters: Vec<String> = transforms.iter().map(|transform| or_any(&transform.src)).collect();
            let all: Vec<String> = transforms.iter().map(|transform| or_any(&transform.dest)).collect();
            (filters.join("\x0c"), all.join("\x0c"))
        };
        Self { stream, filters, destinations }
    }

    /// The same in one text, by which sources are told apart.
    pub fn key(&self) -> String {
        format!("{} {} {}", self.stream, self.filters, self.destinations)
    }

    /// What a message says that has that sequence there and was published to that subject.
    pub fn write(&self, out: &mut Vec<u8>, seq: u64, subject: &[u8]) {
        out.extend_from_slice(self.stream.as_bytes());
        out.push(b' ');
        push_number(out, seq);
        for text in [self.filters.as_bytes(), self.destinations.as_bytes(), subject] {
            out.push(b' ');
            out.extend_from_slice(text);
        }
    }
}

/// The [key](SourceMark::key) of the source that a message says it came by, and its sequence there. Before 2.10 servers
/// wrote the stream and the sequence alone: then the key is the stream. None if it says neither.
pub fn read_source(value: &[u8]) -> Option<(Vec<u8>, u64)> {
    let fields: Vec<&[u8]> = value.split(|byte| *byte == b' ').collect();
    let key = match fields[..] {
        [stream, _] => stream.to_vec(),
        [stream, _, filters, destinations, ..] => [stream, filters, destinations].join(&b' '),
        _ => return None,
    };
    Some((key, parse_number(fields[1])?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExternalStream, SourceConsumer, SubjectTransform};

    fn said(source: &StreamSource) -> String {
        let mut out = Vec::new();
        let mark = SourceMark::of(source);
        mark.write(&mut out, 7, b"a.x");
        assert_eq!(read_source(&out), Some((mark.key().into_bytes(), 7)));
        String::from_utf8(out).unwrap()
    }

    /// As recorded: `source`, `source-update`, `pub-counter-source`, `source-durable-consumer`.
    #[test]
    fn a_message_says_where_it_came_from() {
        let mut source = StreamSource { name: "A".into(), ..StreamSource::default() };
        assert_eq!(said(&source), "A 7 > > a.x");
        source.filter_subject = "a.>".into();
        assert_eq!(said(&source), "A 7 a.> > a.x");
        let transform = |src: &str, dest: &str| SubjectTransform { src: src.into(), dest: dest.into() };
        source.filter_subject.clear();
        source.subject_transforms = vec![transform("a.>", "t.>"), transform("b", "")];
        assert_eq!(said(&source), "A 7 a.>\x0cb t.>\x0c> a.x");
        source.subject_transforms.clear();
        source.consumer = Some(SourceConsumer { name: "SRC".into(), deliver_subject: "d".into() });
        assert_eq!(said(&source), "A:C=Q7aLp2ab 7 > > a.x");
        source.consumer = None;
        source.external = Some(ExternalStream { api: "$G".into(), deliver: String::new() });
        assert_eq!(said(&source), "A:szMpdrwD 7 > > a.x");
    }

    #[test]
    fn what_others_write_is_read_or_not() {
        assert_eq!(read_source(b"A 3"), Some((b"A".to_vec(), 3)));
        for other in ["", "A", "A x", "A 1 >", "A x > > a"] {
            assert_eq!(read_source(other.as_bytes()), None, "{other}");
        }
    }
}
