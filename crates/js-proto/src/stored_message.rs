//! A message of a stream, as JSON.

use data_encoding::BASE64;
use nats_proto::go_json::{Field, Mismatch, Value};
use serde::{Serialize, Serializer};

use crate::Timestamp;
use crate::go_struct::{IsSet, go_structs};

go_structs! {
    /// A message of a stream.
    pub struct StoredMessage = "server.StoredMsg" {
        /// Its subject.
        subject: String = "subject";
        /// Its sequence.
        seq: u64 = "seq";
        /// Its headers, as they are on the wire.
        hdrs: Bytes = "hdrs" if set;
        /// What it says.
        data: Bytes = "data" if set;
        /// When it came in.
        time: Timestamp = "time";
    }
}

/// Any bytes: in JSON they are a string in base 64.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl IsSet for Bytes {
    fn is_set(&self) -> bool {
        !self.0.is_empty()
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

/// Null empties it.
impl Field for Bytes {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        self.0.clear();
        if value.is_null() {
            return Ok(());
        }
        let mut text = value.string().ok_or_else(|| Mismatch::of_type(value, "[]uint8"))?;
        text.retain(|character| !matches!(character, '\r' | '\n'));
        self.0 = BASE64.decode(text.as_bytes()).map_err(|error| {
            Mismatch::of_value(format!("illegal base64 data at input byte {}", error.position))
        })?;
        Ok(())
    }
}
