//! `node.json`: what a store says of itself.
//!
//! A store without it is a new one, if there are no logs. One that cannot be read is never taken for a new one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Streams are dealt to so many lanes, and lanes to logs. It stays as it is, whatever becomes of the shards.
pub const LANES: usize = 8;

/// Of a store that was never encrypted.
const FORMAT: u32 = 1;

/// Of one with segments that are encrypted, or were: who knows no keys cannot read it.
const FORMAT_WITH_KEYS: u32 = 2;

/// What a store says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeFile {
    /// The version of the format.
    pub format: u32,
    /// The store's id, drawn at random when it was made.
    #[serde(with = "hex_id")]
    pub store: [u8; 16],
    /// The node's id, drawn at random when the store was made.
    #[serde(with = "hex_number")]
    pub node: u64,
    /// The id of the cluster that the node was founded with. 0 if none.
    pub founding: u64,
    /// How often the store was opened.
    pub incarnation: u64,
    /// The kernel's boot id when it was opened last.
    pub boot: String,
    /// Whether it came to a clean stop since.
    pub stopped: bool,
    /// How many logs there are.
    pub logs: u32,
    /// By lane, which log it is.
    pub lanes: [u32; LANES],
    /// By log, where the batches of each segment ended at the clean stop. Empty if nothing is known of that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<BTreeMap<u32, u32>>,
    /// The keys that segments were ever encrypted with. A store never forgets one: a file may come back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyNote>,
}

/// What a store says of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyNote {
    /// What first pages call it; not 0.
    pub id: u32,
    /// What it encrypts with, by the word of the configuration.
    pub cipher: String,
    /// By this it is known when it is there. Nothing follows from it.
    #[serde(with = "hex_id")]
    pub check: [u8; 16],
}

/// What cannot be read as [`NodeFile`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoNodeFile {
    /// It was written by a server that is newer.
    #[error("store of format version {0}; this server reads version {FORMAT_WITH_KEYS}")]
    Version(u64),
    /// It is damaged.
    #[error("damaged: {0}")]
    Damaged(String),
}

impl NodeFile {
    /// Of a new store with so many logs. `store` and `node` are drawn at random.
    pub fn new(store: [u8; 16], node: u64, logs: u32) -> Self {
        let lanes = std::array::from_fn(|lane| lane as u32 % logs.max(1));
        let logs = logs.max(1);
        Self {
            format: FORMAT,
            store,
            node,
            founding: 0,
            incarnation: 0,
            boot: String::new(),
            stopped: true,
            logs,
            lanes,
            segments: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// It is none that this server can read.
    pub fn parse(text: &[u8]) -> Result<Self, NoNodeFile> {
        #[derive(Deserialize)]
        struct Format {
            format: u64,
        }
        let damaged = |error: serde_json::Error| NoNodeFile::Damaged(error.to_string());
        let Format { format } = serde_json::from_slice(text).map_err(damaged)?;
        if !(u64::from(FORMAT)..=u64::from(FORMAT_WITH_KEYS)).contains(&format) {
            return Err(NoNodeFile::Version(format));
        }
        let file: Self = serde_json::from_slice(text).map_err(damaged)?;
        match file.lanes.iter().find(|log| **log >= file.logs) {
            Some(log) => Err(NoNodeFile::Damaged(format!("a lane in log {log} of {}", file.logs))),
            None => Ok(file),
        }
    }

    /// The store is opened: on this boot of the kernel.
    pub fn open(&mut self, boot: &str) {
        self.incarnation += 1;
        boot.clone_into(&mut self.boot);
        self.stopped = false;
        self.segments.clear();
    }

    /// Which key it is that encrypts with this cipher and is known by this check. It is noted down if it is a new one.
    pub fn note_key(&mut self, cipher: &str, check: [u8; 16]) -> u32 {
        if let Some(known) = self.keys.iter().find(|key| key.cipher == cipher && key.check == check) {
            return known.id;
        }
        let id = self.keys.iter().map(|key| key.id).max().unwrap_or(0) + 1;
        self.keys.push(KeyNote { id, cipher: cipher.to_owned(), check });
        self.format = FORMAT_WITH_KEYS;
        id
    }

    /// A log came to a clean stop, with segments that end there.
    pub fn note_ends(&mut self, log: usize, ends: BTreeMap<u32, u32>) {
        let logs = self.segments.len().max(log + 1);
        self.segments.resize(logs, BTreeMap::new());
        self.segments[log] = ends;
    }

    /// Which segments a log has to have, and where they end, if that is known.
    pub fn ends(&self, log: usize) -> BTreeMap<u32, u32> {
        self.segments.get(log).filter(|_| self.stopped).cloned().unwrap_or_default()
    }

    /// The file's text.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("there is nothing in it that JSON has no form for") + "\n"
    }
}

/// 16 bytes as 32 digits.
mod hex_id {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(id: &[u8; 16], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{:032x}", u128::from_be_bytes(*id)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = Some(text.as_str()).filter(|text| text.len() == 32 && !text.starts_with('+'));
        let number = digits.and_then(|text| u128::from_str_radix(text, 16).ok());
        number.map(u128::to_be_bytes).ok_or_else(|| D::Error::custom("an id has 32 hexadecimal digits"))
    }
}

/// 8 bytes as 16 digits: JSON has no numbers of 64 bits.
mod hex_number {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{id:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = Some(text.as_str()).filter(|text| text.len() == 16 && !text.starts_with('+'));
        let number = digits.and_then(|text| u64::from_str_radix(text, 16).ok());
        number.ok_or_else(|| D::Error::custom("an id has 16 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_it_is_written() {
        let mut file = NodeFile::new(*b"a store of tests", 0xab, 3);
        file.open("boot");
        assert_eq!(file.lanes, [0, 1, 2, 0, 1, 2, 0, 1]);
        assert_eq!((file.incarnation, file.stopped), (1, false));
        let text = file.text();
        assert!(text.contains("\"store\": \"612073746f7265206f66207465737473\""), "{text}");
        assert!(text.contains("\"node\": \"00000000000000ab\""), "{text}");
        assert_eq!(NodeFile::parse(text.as_bytes()), Ok(file));
    }

    #[test]
    fn keys_are_noted_down_once_and_make_it_another_format() {
        let mut file = NodeFile::new([7; 16], 1, 1);
        assert!(!file.text().contains("keys"), "a store that is not encrypted is what it was");
        let ids = [("aes", [1; 16]), ("aes", [2; 16]), ("chacha", [1; 16]), ("aes", [1; 16])]
            .map(|(cipher, check)| file.note_key(cipher, check));
        assert_eq!((ids, file.format), ([1, 2, 3, 1], 2));
        assert_eq!(NodeFile::parse(file.text().as_bytes()), Ok(file));
    }

    #[test]
    fn what_is_newer_or_damaged_is_refused() {
        let text = NodeFile::new([0; 16], 1, 1).text();
        let newer = text.replace("\"format\": 1", "\"format\": 3");
        let refused = NodeFile::parse(newer.as_bytes()).expect_err("it is newer");
        assert_eq!(refused.to_string(), "store of format version 3; this server reads version 2");
        for wrong in
            ["", "{}", &text[..40], &text.replace("\"logs\": 1", "\"logs\": 0"), &text.replace("00", "0x")]
        {
            let refused = NodeFile::parse(wrong.as_bytes());
            assert!(matches!(refused, Err(NoNodeFile::Damaged(_))), "{refused:?}");
        }
    }
}
