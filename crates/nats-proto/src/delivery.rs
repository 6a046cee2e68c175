//! One published message on its way to many subscribers.
//!
//! What the frames have in common is written once into scratch; only the sid differs between them.

/// Pieces of a head up to this many bytes are copied as this many, whatever their length: a copy of
/// known size is a few moves in line, where one of unknown size is a call.
const SHORT_BYTES: usize = 32;

/// The parts of a `MSG` or `HMSG` frame before and after the sid.
///
/// Reused from message to message, so that in steady state preparing allocates nothing.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// `MSG subject `.
    before: Piece,
    /// ` [reply ][header-size ]size␍␊`.
    after: Piece,
}

/// Text, and the same as [`SHORT_BYTES`] bytes if it is short enough.
#[derive(Debug, Clone, Default)]
struct Piece {
    /// All of it if it is that short, with zeros behind; else nothing that means anything.
    short: [u8; SHORT_BYTES],
    text: Vec<u8>,
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
        let verb: &[u8] = if header_text.is_some() { b"HMSG " } else { b"MSG " };
        self.before.write([verb, subject, b" "]);
        if reply.is_none() && header_text.is_none() {
            self.prepare_next(size_text);
        } else {
            self.write_after(reply, header_text, size_text);
        }
    }

    /// Sets up for one more message to the same subject, without reply and headers, whatever the last one had.
    #[inline]
    pub fn prepare_next(&mut self, size_text: &[u8]) {
        // Byte by byte: two or three digits are compared before a call would have begun. Behind a reply or a
        // header size comes a space, which is no digit.
        let is_same = self.after.text.len() == size_text.len() + 3
            && self.after.text[1..].iter().zip(size_text).all(|(a, b)| a == b);
        if !is_same {
            self.write_after(None, None, size_text);
        }
    }

    fn write_after(&mut self, reply: Option<&[u8]>, header_text: Option<&[u8]>, size_text: &[u8]) {
        let spaced = |word: Option<&'_ [u8]>| if word.is_some() { &b" "[..] } else { b"" };
        self.after.write([
            spaced(reply),
            reply.unwrap_or_default(),
            spaced(header_text),
            header_text.unwrap_or_default(),
            b" ",
            size_text,
            b"\r\n",
        ]);
    }

    /// Length in bytes of the frame [`append`](Self::append) writes.
    #[inline]
    pub fn frame_len(&self, sid_len: usize, body_len: usize) -> usize {
        self.before.text.len() + sid_len + self.after.text.len() + body_len + b"\r\n".len()
    }

    /// Appends the whole frame for one subscriber. `body` is headers then payload, and its length
    /// is the one `prepare` was told.
    #[inline]
    pub fn append(&self, out: &mut Vec<u8>, sid: &[u8], body: &[u8]) {
        self.append_head(out, sid);
        out.extend_from_slice(body);
        out.extend_from_slice(b"\r\n");
    }

    /// Appends everything before the body, for callers that send the body from elsewhere. The body
    /// and CR LF must follow.
    #[inline]
    pub fn append_head(&self, out: &mut Vec<u8>, sid: &[u8]) {
        self.before.append_to(out);
        append_short(out, sid);
        self.after.append_to(out);
    }
}

impl Piece {
    #[inline]
    fn write<const N: usize>(&mut self, words: [&[u8]; N]) {
        self.text.clear();
        for word in words {
            append_short(&mut self.text, word);
        }
        let len = self.text.len();
        if len <= SHORT_BYTES {
            self.text.extend_from_slice(&[0; SHORT_BYTES]);
            self.short.copy_from_slice(&self.text[..SHORT_BYTES]);
            self.text.truncate(len);
        }
    }

    #[inline(always)]
    fn append_to(&self, out: &mut Vec<u8>) {
        let len = self.text.len();
        if len <= SHORT_BYTES && out.capacity() - out.len() >= SHORT_BYTES {
            let end = out.len() + len;
            out.extend_from_slice(&self.short);
            out.truncate(end);
        } else {
            out.extend_from_slice(&self.text);
        }
    }
}

/// Sids are a few bytes mostly; a loop over those is over before a call of memcpy is.
#[inline(always)]
fn append_short(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.len() < 4 {
        for byte in bytes {
            out.push(*byte);
        }
    } else {
        out.extend_from_slice(bytes);
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
    #[test]
    fn the_next_message_to_a_subject_only_differs_in_size() {
        let (mut next, mut fresh) = (Delivery::default(), Delivery::default());
        for before in [None, Some(&b"re.ply"[..])] {
            next.prepare(b"a.b", before, None, b"12");
            for size in ["12", "1", "123", "123", "23"] {
                next.prepare_next(size.as_bytes());
                fresh.prepare(b"a.b", None, None, size.as_bytes());
                let (mut by_next, mut by_fresh) = (Vec::new(), Vec::new());
                next.append_head(&mut by_next, b"7");
                fresh.append_head(&mut by_fresh, b"7");
                assert_eq!(by_next.escape_ascii().to_string(), by_fresh.escape_ascii().to_string());
            }
        }
    }

    #[test]
    fn long_words_are_not_cut() {
        let (mut plain, mut fast) = (Vec::new(), Vec::new());
        let mut delivery = Delivery::default();
        for length in 1..2 * SHORT_BYTES {
            let word = "w".repeat(length);
            encode::msg(&mut plain, word.as_bytes(), word.as_bytes(), Some(word.as_bytes()), b"hello");
            delivery.prepare(word.as_bytes(), Some(word.as_bytes()), None, b"5");
            delivery.append(&mut fast, word.as_bytes(), b"hello");
            assert_eq!(fast, plain);
        }
    }
}
