//! Who a stream is, and how it is configured: the bytes of `STREAM_META`.
//!
//! docs/formats/streams.md has the layout.

use js_proto::StreamConfig;
use nats_proto::go_json::{compact, read_into};

use crate::bytes::Reader;

/// The layout of what this crate writes.
pub const FORMAT_VERSION: u8 = 1;

/// The same of a stream that is not whole yet. Who does not know of those does not take it for one that is.
const RESTORING_VERSION: u8 = 2;

/// How events are applied. A later level may apply them another way; streams that have it are not served by those
/// who do not know it.
pub const BEHAVIOUR_LEVEL: u16 = 1;

/// Who a stream is.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamMeta {
    /// A number that no other stream ever had or will have.
    pub id: u64,
    /// How its events are applied.
    pub level: u16,
    /// When it was made, in nanoseconds since 1970.
    pub created: i64,
    /// Which of the logs of a store it is in, modulo their number.
    pub lane: u8,
    /// What ids of messages are hashed with: drawn at random when the stream is made.
    pub id_key: [u8; 16],
    /// Whether all is there that it is made of: one that is being restored comes to be so with its first update.
    pub is_whole: bool,
    /// What it is to be, settled.
    pub config: StreamConfig,
}

/// Bytes that are no record of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// A layout of a version that is not known here.
    #[error("format version {0}, known are those up to {FORMAT_VERSION}")]
    Version(u8),
    /// Events that are applied in a way that is not known here.
    #[error("behaviour level {0}, known are those up to {BEHAVIOUR_LEVEL}")]
    Level(u16),
    /// A kind of record that is not known here.
    #[error("record of unknown kind {0}")]
    Kind(u8),
    /// Less than it says, or more, or what cannot be.
    #[error("malformed {0}")]
    Malformed(&'static str),
}

impl StreamMeta {
    /// The payload of a `STREAM_META`.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.write_as(if self.is_whole { FORMAT_VERSION } else { RESTORING_VERSION }, &self.config, out);
    }

    /// The same, with another configuration.
    pub(crate) fn write_with(&self, config: &StreamConfig, out: &mut Vec<u8>) {
        self.write_as(FORMAT_VERSION, config, out);
    }

    fn write_as(&self, version: u8, config: &StreamConfig, out: &mut Vec<u8>) {
        out.push(version);
        out.extend_from_slice(&self.level.to_le_bytes());
        out.extend_from_slice(&self.id.to_le_bytes());
        out.extend_from_slice(&self.created.to_le_bytes());
        out.push(self.lane);
        out.extend_from_slice(&self.id_key);
        out.extend_from_slice(&compact(config));
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is of another version or level, or damaged.
    pub fn read(bytes: &[u8]) -> Result<Self, BadRecord> {
        let mut reader = Reader::new(bytes, "stream meta");
        let is_whole = match reader.u8()? {
            FORMAT_VERSION => true,
            RESTORING_VERSION => false,
            other => return Err(BadRecord::Version(other)),
        };
        let level = reader.u16()?;
        if level > BEHAVIOUR_LEVEL {
            return Err(BadRecord::Level(level));
        }
        let (id, created, lane, id_key) = (reader.u64()?, reader.i64()?, reader.u8()?, reader.array()?);
        let mut config = StreamConfig::default();
        read_into(reader.rest(), &mut config).map_err(|_| BadRecord::Malformed("stream configuration"))?;
        Ok(Self { id, level, created, lane, id_key, is_whole, config })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use js_proto::{ConfigLimits, Nanos};

    use super::*;

    pub(crate) fn meta(config: StreamConfig) -> StreamMeta {
        let config = StreamConfig { name: "S".into(), subjects: vec!["s.>".into()], ..config };
        let config =
            config.settled(&ConfigLimits::default(), false).expect("tests know what may be configured");
        StreamMeta {
            id: 7,
            level: BEHAVIOUR_LEVEL,
            created: 1,
            lane: 0,
            id_key: *b"a key of a test.",
            is_whole: true,
            config,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut meta =
            meta(StreamConfig { max_age: Nanos::from_secs(3600), max_msgs: 5, ..StreamConfig::default() });
        meta.config.metadata.insert("a".into(), "b".into());
        let mut bytes = Vec::new();
        meta.write(&mut bytes);
        assert_eq!(StreamMeta::read(&bytes), Ok(meta));
        assert_eq!(&bytes[..4], [1, 1, 0, 7]);
        for len in 0..bytes.len() {
            assert!(StreamMeta::read(&bytes[..len]).is_err(), "{len} bytes");
        }
        let restoring = StreamMeta { is_whole: false, ..StreamMeta::read(&bytes).expect("it was just read") };
        let mut bytes = Vec::new();
        restoring.write(&mut bytes);
        assert_eq!((bytes[0], StreamMeta::read(&bytes)), (2, Ok(restoring)));
    }

    #[test]
    fn what_is_newer_is_refused_by_name() {
        let mut bytes = Vec::new();
        meta(StreamConfig::default()).write(&mut bytes);
        bytes[1] = 2;
        assert_eq!(StreamMeta::read(&bytes), Err(BadRecord::Level(2)));
        bytes[0] = 9;
        assert_eq!(
            StreamMeta::read(&bytes).unwrap_err().to_string(),
            "format version 9, known are those up to 1"
        );
    }
}
