//! One published message on its way to many subscribers.
//!
//! What the frames have in common is written once into scratch; only the sid differs between them.

/// The parts of a `MSG` or `HMSG` frame before and after the sid.
///
/// Reused from message to message, so that in steady state preparing allocates nothing.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// `MSG subject `, then ` [reply ][header-size ]size␍␊`.
    scratch: Vec<u8>,
    /// Where the sid goes.
    sid_at: usize,
}

impl Delivery {
    /// Sets up for a message. With `header_text`, the length of the header block in digits, the
    /// frames are `HMSG`. `size_text` is the length of the body in digits, headers included.
    #[inline]
    pub fn prepare(
        &mut self,
        subject: &[u8],
        reply: Option<&[u8]>,
        header_text: Option<&[u8]>,
        size_text: &[u8],
    ) {
        let scratch = &mut self.scratch;
        scratch.clear();
        scratch.extend_from_slice(if header_text.is_some() { b"HMSG " } else { b"MSG " });
        scratch.extend_from_slice(subject);
        scratch.push(b' ');
        self.sid_at = scratch.len();
        for word in [reply, header_text, Some(size_text)].into_iter().flatten() {
            scratch.push(b' ');
            scratch.extend_from_slice(word);
        }
        scratch.extend_from_slice(b"\r\n");
    }

    /// Length in bytes of the frame [`append`](Self::append) writes.
    #[inline]
    pub fn frame_len(&self, sid_len: usize, body_len: usize) -> usize {
        self.scratch.len() + sid_len + body_len + b"\r\n".len()
    }

    /// Appends the whole frame for one subscriber. `body` is headers then payload, and its length
    /// is the one `prepare` was told.
    #[inline]
    pub fn append(&self, out: &mut Vec<u8>, sid: &[u8], body: &[u8]) {
        out.reserve(self.frame_len(sid.len(), body.len()));
        self.append_head(out, sid);
        out.extend_from_slice(body);
        out.extend_from_slice(b"\r\n");
    }

    /// Appends everything before the body, for callers that send the body from elsewhere. The body
    /// and CR LF must follow.
    #[inline]
    pub fn append_head(&self, out: &mut Vec<u8>, sid: &[u8]) {
        let (before, after) = self.scratch.split_at(self.sid_at);
        out.extend_from_slice(before);
        out.extend_from_slice(sid);
        out.extend_from_slice(after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode;

    #[test]
    fn frames_are_those_of_the_plain_encoder() {
        let mut delivery = Delivery::default();
        let headers = b"NATS/1.0\r\nA: b\r\n\r\n";
        for reply in [None, Some(&b"re.ply"[..])] {
            for sid in [&b"1"[..], b"sid-x.y"] {
                let (mut plain, mut fast) = (Vec::new(), Vec::new());
                encode::msg(&mut plain, b"a.b", sid, reply, b"hello");
                delivery.prepare(b"a.b", reply, None, b"5");
                delivery.append(&mut fast, sid, b"hello");
                assert_eq!(fast.escape_ascii().to_string(), plain.escape_ascii().to_string());
                assert_eq!(fast.len(), delivery.frame_len(sid.len(), 5));

                let (mut plain, mut fast) = (Vec::new(), Vec::new());
                encode::hmsg(&mut plain, b"a.b", sid, reply, headers, b"hi");
                delivery.prepare(b"a.b", reply, Some(b"18"), b"20");
                delivery.append_head(&mut fast, sid);
                fast.extend_from_slice(headers);
                fast.extend_from_slice(b"hi\r\n");
                assert_eq!(fast.escape_ascii().to_string(), plain.escape_ascii().to_string());
            }
        }
    }
}
