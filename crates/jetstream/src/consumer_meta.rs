//! What is stored of a consumer when it is made or changed: the bytes of `CONSUMER_META`.
//!
//! ```text
//! version u8 | stream u32 | created i64 | name_len u16 | name | configuration as JSON
//! ```
//!
//! Integers are little endian. The stream is named by the number that its records have in the same log.

use js_proto::ConsumerConfig;
use nats_proto::go_json::{compact, read_into};

/// The layout of what is written.
const VERSION: u8 = 1;

const HEAD_BYTES: usize = 15;

/// Who a consumer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsumerMeta {
    /// The number of its stream's records.
    pub(crate) stream: u32,
    /// When it was made, in nanoseconds since 1970.
    pub(crate) created: i64,
    pub(crate) name: String,
    pub(crate) config: ConsumerConfig,
}

impl ConsumerMeta {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.stream.to_le_bytes());
        out.extend_from_slice(&self.created.to_le_bytes());
        out.extend_from_slice(&(self.name.len() as u16).to_le_bytes());
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(&compact(&self.config));
        out
    }

    /// Reads one; none if it is of another version, or damaged.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
        if head[0] != VERSION {
            return None;
        }
        let name_len = u16::from_le_bytes([head[13], head[14]]);
        let (name, text) = rest.split_at_checked(name_len.into())?;
        let mut config = ConsumerConfig::default();
        read_into(text, &mut config).ok()?;
        Some(Self {
            stream: u32::from_le_bytes(head[1..5].try_into().ok()?),
            created: i64::from_le_bytes(head[5..13].try_into().ok()?),
            name: str::from_utf8(name).ok()?.to_owned(),
            config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let config = ConsumerConfig { durable_name: "C".into(), max_deliver: 3, ..ConsumerConfig::default() };
        let meta = ConsumerMeta { stream: 7, created: -5, name: "C".into(), config };
        let bytes = meta.write();
        assert_eq!(ConsumerMeta::read(&bytes), Some(meta));
        assert_eq!(&bytes[..6], [1, 7, 0, 0, 0, 0xfb]);
        for len in 0..bytes.len() {
            assert_eq!(ConsumerMeta::read(&bytes[..len]), None, "{len} bytes");
        }
        let newer: Vec<u8> = [&[2], &bytes[1..]].concat();
        assert_eq!(ConsumerMeta::read(&newer), None);
    }
}
