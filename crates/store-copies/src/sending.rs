//! A stream that is sent to a server: an archive in parts, each of which is answered before the next one leaves.

use serde_json::{Value, json};

use crate::link::read_answer;
use crate::{Copied, CopyError, Link, Received};

/// Bytes of a part, unless the server takes less in one message.
const PART_BYTES_MAX: usize = 128 << 10;

/// A stream that is being restored.
pub(crate) struct Sending<'l> {
    link: &'l mut Link,
    to: String,
    part: Vec<u8>,
    part_bytes: usize,
}

impl<'l> Sending<'l> {
    /// Has the server make a stream of what is sent. The stream is there, on the disk, when this comes back without an
    /// error. If not all can be sent nothing is left of it there.
    pub(crate) fn whole(
        link: &'l mut Link,
        stream: &str,
        config: &Value,
        send: impl FnOnce(&mut Self) -> Result<(), CopyError>,
    ) -> Result<Copied, CopyError> {
        let mut sending = Self::begin(link, stream, config)?;
        match send(&mut sending) {
            Ok(()) => sending.finish(),
            Err(error) => {
                // What came is no whole archive: the server need not wait for the rest. Whatever it says to that, the
                // error is the one that led here.
                let _ = request(sending.link, &sending.to, b"");
                Err(error)
            }
        }
    }

    /// Begins, if the server takes the stream.
    fn begin(link: &'l mut Link, stream: &str, config: &Value) -> Result<Self, CopyError> {
        let request = json!({ "config": config, "state": {} });
        let answer = link.ask(&format!("STREAM.RESTORE.{stream}"), &request)?;
        let to = answer["deliver_subject"].as_str().unwrap_or_default().to_owned();
        if to.is_empty() {
            return Err(CopyError::Said("it is not said where the parts go".into()));
        }
        let part_bytes = link.payload_bytes_max().clamp(1, PART_BYTES_MAX);
        Ok(Self { link, to, part: Vec::new(), part_bytes })
    }

    /// Sends some of the archive.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<(), CopyError> {
        while !bytes.is_empty() {
            let (some, rest) = bytes.split_at(bytes.len().min(self.part_bytes - self.part.len()));
            self.part.extend_from_slice(some);
            bytes = rest;
            if self.part.len() == self.part_bytes {
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

    /// All was sent.
    fn finish(mut self) -> Result<Copied, CopyError> {
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
