//! How answers are packed for those who accept it.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use nats_proto::HeaderView;
use nats_proto::encode::header_block;
use s2_stream::Writer;

/// How an answer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Encoding {
    /// Not at all: nobody asked for it.
    #[default]
    Plain,
    Gzip,
    /// A stream of Snappy.
    Snappy,
    /// Not at all, which is said: what is asked for is not known here.
    Identity,
}

impl Encoding {
    /// What who asks accepts.
    pub(crate) fn accepted(headers: &[u8]) -> Self {
        let view = HeaderView::parse(headers).ok();
        Self::of_names(view.and_then(|view| view.get("Accept-Encoding")).unwrap_or_default())
    }

    /// The first that there is of those that are named.
    pub(crate) fn of_names(names: &[u8]) -> Self {
        match &names.to_ascii_lowercase()[..] {
            b"" => Self::Plain,
            names if has(names, b"snappy") || has(names, b"s2") => Self::Snappy,
            names if has(names, b"gzip") => Self::Gzip,
            _ => Self::Identity,
        }
    }

    /// An answer as it is sent: headers and body, and how many bytes the headers are.
    pub(crate) fn pack(self, body: Vec<u8>) -> (Vec<u8>, usize) {
        let name: &[u8] = match self {
            Self::Plain => return (body, 0),
            Self::Gzip => b"gzip",
            Self::Snappy => b"snappy",
            Self::Identity => b"identity",
        };
        let mut packed = Vec::new();
        header_block(&mut packed, None, &[(&b"Content-Encoding"[..], name)]);
        let header_len = packed.len();
        match self {
            Self::Plain | Self::Identity => packed.extend_from_slice(&body),
            Self::Snappy => Writer::snappy().write(&body, &mut packed),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(packed, Compression::default());
                encoder.write_all(&body).expect("memory takes all");
                packed = encoder.finish().expect("memory takes all");
            }
        }
        (packed, header_len)
    }
}

fn has(names: &[u8], name: &[u8]) -> bool {
    names.windows(name.len()).any(|part| part == name)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use s2_stream::{Reader, Step};

    use super::*;

    /// As nats-server 2.14.5 takes them.
    #[test]
    fn an_answer_is_packed_as_it_is_accepted() {
        let accepted = |names: &str| {
            Encoding::accepted(format!("NATS/1.0\r\nAccept-Encoding: {names}\r\n\r\n").as_bytes())
        };
        assert_eq!(Encoding::accepted(b""), Encoding::Plain);
        assert_eq!(Encoding::accepted(b"NATS/1.0\r\n\r\n"), Encoding::Plain);
        assert_eq!((accepted("x, GZip"), accepted("br")), (Encoding::Gzip, Encoding::Identity));
        assert_eq!((accepted("gzip, Snappy"), accepted("s2")), (Encoding::Snappy, Encoding::Snappy));
    }

    #[test]
    fn what_is_packed_says_how_and_can_be_unpacked() {
        let body = b"abc".repeat(100);
        assert_eq!(Encoding::Plain.pack(body.clone()), (body.clone(), 0));
        let (identity, len) = Encoding::Identity.pack(body.clone());
        assert_eq!(&identity[..len], b"NATS/1.0\r\nContent-Encoding: identity\r\n\r\n");
        assert_eq!(&identity[len..], body);
        let (gzip, len) = Encoding::Gzip.pack(body.clone());
        assert_eq!(&gzip[..len], b"NATS/1.0\r\nContent-Encoding: gzip\r\n\r\n");
        let mut unpacked = Vec::new();
        GzDecoder::new(&gzip[len..]).read_to_end(&mut unpacked).unwrap();
        assert!(unpacked == body && gzip.len() < body.len());
        let (snappy, len) = Encoding::Snappy.pack(body.clone());
        assert_eq!(&snappy[..len], b"NATS/1.0\r\nContent-Encoding: snappy\r\n\r\n");
        assert!(snappy[len..].starts_with(b"\xff\x06\x00\x00sNaPpY") && snappy.len() < body.len());
        let (mut reader, mut unpacked) = (Reader::new(), Vec::new());
        reader.feed(&snappy[len..]);
        while let Step::Plain(bytes) = reader.step(1024).unwrap() {
            unpacked.extend_from_slice(bytes);
        }
        assert_eq!(unpacked, body);
    }
}
