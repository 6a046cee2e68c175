//! A stream that is sent to a server: an archive in parts, each of which is answered before the next one leaves.

use serde_json::{Value, json};

use crate::link::read_answer;
use crate::{Copied, CopyError, Link, Received};

/// Bytes of a part.
const PART_BYTES: usize = 128 << 10;

/// A stream that is being restored.
pub(crate) struct Sending<'l> {
    link: &'l mut Link,
    to: String,
    part: Vec<u8>,
}

impl<'l> Sending<'l> {
    /// Begins, if the server takes the stream.
    pub(crate) fn begin(link: &'l mut Link, stream: &str, config: &Value) -> Result<Self, CopyError> {
        let request = json!({ "config": config, "state": {} });
        let answer = link.ask(&format!("STREAM.RESTORE.{stream}"), &request)?;
        let to = answer["deliver_subject"].as_str().unwrap_or_default().to_owned();
        if to.is_empty() {
            return Err(CopyError::Said("it is not said where the parts go".into()));
        }
        Ok(Self { link, to, part: Vec::new() })
    }

    /// Sends some of the archive.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<(), CopyError> {
        while !bytes.is_empty() {
            let (some, rest) = bytes.split_at(bytes.len().min(PART_BYTES - self.part.len()));
            self.part.extend_from_slice(some);
            bytes = rest;
            if self.part.len() == PART_BYTES {
                self.send()?;
            }
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), CopyError> {
        let answer = request(self.link, &self.to, &self.part)?;
        self.part.clear();
        if answer.payload.is_empty() { Ok(()) } else { read_answer(&answer.payload).map(drop) }
    }

    /// All was sent. The stream is there, on the disk, when this comes back without an error.
    pub(crate) fn finish(mut self) -> Result<Copied, CopyError> {
        if !self.part.is_empty() {
            self.send()?;
        }
        let answer = request(self.link, &self.to, b"")?;
        Ok(Copied::of(&read_answer(&answer.payload)?["state"]))
    }
}

/// Nobody listens any more where parts go: the restore is over.
fn request(link: &mut Link, to: &str, part: &[u8]) -> Result<Received, CopyError> {
    link.request(to, part).map_err(|error| match error {
        CopyError::NoJetStream => {
            CopyError::Refused("the server gave the restore up: its log says why".into())
        }
        other => other,
    })
}
