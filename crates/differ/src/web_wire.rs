//! What is between a connection's socket and the protocol if it comes over WebSocket.

use crate::names::Names;
use crate::text::escape;
use crate::web_frames::{Frames, Part};

/// What an item begins with that is not of the protocol, or that WebSockets have differences of their own in.
const ITEM: &str = "web: ";

/// A connection to the listener for WebSockets, from its first byte.
#[derive(Debug, Default)]
pub(crate) struct Web {
    /// Its request was granted.
    is_open: bool,
    /// What was answered to requests that were not, or the start of an answer.
    answered: Vec<u8>,
    said: Frames,
    heard: Frames,
    /// Control frames of this step, and what cannot be read.
    controls: Vec<String>,
    /// The granting answer, if it came in this step.
    granted: Option<Vec<u8>>,
}

impl Web {
    /// The client says this: what of the protocol is in it; `None` if the server can make nothing of it.
    pub(crate) fn say(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if !self.is_open {
            return Some(Vec::new());
        }
        let mut text = Vec::new();
        for part in self.said.take(bytes) {
            match part {
                Part::Text(more) => text.extend(more),
                Part::Control(words) if words.starts_with("close") => return None,
                Part::Control(_) => {}
                Part::Broken => return None,
            }
        }
        Some(text)
    }

    /// Whether its request was granted.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether a message may be sent.
    pub(crate) fn is_between_messages(&self) -> bool {
        self.is_open && self.said.is_between_messages()
    }

    /// Bytes came from the server: what of the protocol is in them.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.is_open {
            return self.read(bytes);
        }
        self.answered.extend_from_slice(bytes);
        let Some(end) = end_of_head(&self.answered) else { return Vec::new() };
        if !self.answered.starts_with(b"HTTP/1.1 101 ") {
            return Vec::new();
        }
        self.is_open = true;
        let frames = self.answered.split_off(end);
        self.granted = Some(std::mem::take(&mut self.answered));
        self.read(&frames)
    }

    fn read(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        for part in self.heard.take(bytes) {
            match part {
                Part::Text(more) => text.extend(more),
                Part::Control(words) => self.controls.push(words),
                Part::Broken => self.controls.push("a frame that cannot be read".to_owned()),
            }
        }
        text
    }

    /// Whether a request was answered in this step, and nothing more is to be waited for.
    pub(crate) fn has_answer(&self) -> bool {
        let Some(end) = end_of_head(&self.answered) else { return self.is_open };
        let head = String::from_utf8_lossy(&self.answered[..end]);
        let is_kept = head.contains("Connection: keep-alive") || !head.starts_with("HTTP/1.0");
        if !is_kept || head.contains("Connection: close") {
            return false; // Behind it comes the end.
        }
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        self.answered.len() >= end + length
    }

    /// What came in this step beside the protocol, whose items those are.
    pub(crate) fn take_items(&mut self, of_protocol: Vec<String>, names: &Names) -> Vec<String> {
        let answer = [std::mem::take(&mut self.answered), self.granted.take().unwrap_or_default()].concat();
        let answer = answer.split_inclusive(|byte| *byte == b'\n').map(|line| {
            let line = names.apply(&escape(line));
            if line.starts_with("Date: ") { "Date: *".to_owned() } else { line }
        });
        let mut items: Vec<String> = answer.map(|line| format!("{ITEM}{line}")).collect();
        items.extend(of_protocol.into_iter().map(|item| match item.starts_with("-ERR") {
            true => format!("{ITEM}{item}"),
            false => item,
        }));
        items.extend(std::mem::take(&mut self.controls).into_iter().map(|words| format!("{ITEM}{words}")));
        items
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    Some(bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4)
}
