//! What is to be sent, and where in it the socket is.
//!
//! Small payloads and large ones stay in the outbox of the protocol, behind a header that is made here. Bytes of our
//! own go before it: answers, pongs, and what was made of the outbox by compressing it or by cutting it small.

use ws_frame::{Frame, Header, Opcode};

/// What is to be sent of one connection.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// Only while there is something.
    own: Option<Box<Own>>,
    /// Bytes of the outbox that end a frame whose header has left,
    before: u32,
    /// and behind them those of a frame, whose header may have to leave yet.
    left: u32,
    /// Where in that header the socket is, and where it ends; nothing once it has left.
    header_at: u8,
    header_len: u8,
}

/// Bytes of our own.
#[derive(Debug, Default)]
struct Own {
    bytes: Vec<u8>,
    /// How many of them have left.
    at: usize,
    /// Bytes of the outbox that they stand for.
    stand_for: usize,
}

impl Outgoing {
    /// Whether a control frame could come next.
    pub(crate) fn is_between_frames(&self) -> bool {
        let stands_for_none = self.own.as_ref().is_none_or(|own| own.stand_for == 0);
        self.before == 0 && self.left == 0 && self.header_len == 0 && stands_for_none
    }

    /// Bytes of our own that have to leave.
    pub(crate) fn rest(&self) -> &[u8] {
        self.own.as_ref().map_or(&[], |own| &own.bytes[own.at..])
    }

    /// Sends these behind the others of our own.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.own.get_or_insert_default().bytes.extend_from_slice(bytes);
        }
    }

    /// The same for bytes that stand for so many of the outbox.
    pub(super) fn push_in_place_of(&mut self, count: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let own = self.own.get_or_insert_default();
        write(&mut own.bytes);
        own.stand_for = count;
    }

    /// Begins a frame of the next `len` bytes of the outbox, of four gigabytes of them at most.
    pub(super) fn begin_frame(&mut self, len: usize) {
        self.left = u32::try_from(len).unwrap_or(u32::MAX);
        (self.header_at, self.header_len) = (0, self.header().as_ref().len() as u8);
    }

    /// Begins one behind a frame that is under way, if the outbox has more than that: `len` bytes in all. So what came
    /// since the socket was full leaves at once.
    pub(super) fn begin_next_frame(&mut self, len: usize) {
        if self.own.is_some() || self.header_at > 0 {
            return;
        }
        if self.header_len == 0 {
            self.before += std::mem::take(&mut self.left);
        }
        let behind = len.saturating_sub(self.before as usize);
        if behind > self.left as usize {
            self.begin_frame(behind);
        }
    }

    /// The header that has to leave yet, or has.
    pub(crate) fn header(&self) -> Header {
        Frame::whole(Opcode::Binary).header(self.left as usize)
    }

    /// What is to be sent, if the outbox has these pieces, and this is its [header](Self::header). None is empty.
    pub(crate) fn pieces<'a, 'o: 'a>(
        &'a self,
        header: &'a Header,
        mut outbox: impl Iterator<Item = &'o [u8]>,
    ) -> impl Iterator<Item = &'a [u8]> {
        let (mut before, mut left) = (self.before as usize, self.left as usize);
        let mut own = Some(self.rest()).filter(|own| !own.is_empty());
        let header = &header.as_ref()[usize::from(self.header_at)..usize::from(self.header_len)];
        let mut header = Some(header).filter(|header| !header.is_empty());
        let mut rest: &'o [u8] = &[];
        std::iter::from_fn(move || -> Option<&'a [u8]> {
            if let Some(own) = own.take() {
                return Some(own);
            }
            if before == 0
                && let Some(header) = header.take()
            {
                return Some(header);
            }
            let wanted = if before > 0 { &mut before } else { &mut left };
            if *wanted == 0 {
                return None;
            }
            if rest.is_empty() {
                rest = outbox.next()?;
            }
            let (now, later) = rest.split_at((*wanted).min(rest.len()));
            *wanted -= now.len();
            rest = later;
            Some(now)
        })
    }

    /// So many bytes of the pieces have left. Returns how many of the outbox those were.
    pub(crate) fn on_sent(&mut self, mut count: usize) -> usize {
        let mut of_outbox = 0;
        if let Some(own) = &mut self.own {
            let now = count.min(own.bytes.len() - own.at);
            own.at += now;
            count -= now;
            if own.at == own.bytes.len() {
                of_outbox += own.stand_for;
                self.own = None;
            }
        }
        let of_before = count.min(self.before as usize);
        self.before -= of_before as u32;
        count -= of_before;
        let of_header = count.min(usize::from(self.header_len - self.header_at));
        self.header_at += of_header as u8;
        if self.header_at == self.header_len {
            (self.header_at, self.header_len) = (0, 0);
        }
        let of_frame = (count - of_header).min(self.left as usize);
        self.left -= of_frame as u32;
        of_outbox + of_before + of_frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(out: &mut Outgoing, outbox: &mut Vec<u8>, at_once: usize) -> Vec<u8> {
        let mut sent = Vec::new();
        loop {
            let header = out.header();
            let piece: Vec<u8> =
                out.pieces(&header, outbox.chunks(3)).flatten().copied().take(at_once).collect();
            if piece.is_empty() {
                return sent;
            }
            let left = out.on_sent(piece.len());
            outbox.drain(..left);
            sent.extend(piece);
        }
    }

    #[test]
    fn what_goes_before_the_outbox_goes_before_it_however_it_is_cut() {
        for at_once in 1..40 {
            let (mut out, mut outbox) = (Outgoing::default(), b"PING\r\nPONG\r\n".to_vec());
            out.push(b"answer");
            out.begin_frame(6);
            assert!(!out.is_between_frames());
            assert_eq!(sent(&mut out, &mut outbox, at_once), b"answer\x82\x06PING\r\n");
            assert!(out.is_between_frames() && outbox == b"PONG\r\n");
            out.push_in_place_of(6, |bytes| bytes.extend_from_slice(b"pressed"));
            assert_eq!(sent(&mut out, &mut outbox, at_once), b"pressed");
            assert!(out.is_between_frames() && outbox.is_empty() && out.own.is_none());
        }
    }

    #[test]
    fn what_comes_while_a_frame_is_under_way_is_a_frame_behind_it() {
        for at_once in [1, 2, 3, 7] {
            let (mut out, mut outbox) = (Outgoing::default(), b"PING\r\n".to_vec());
            out.begin_frame(6);
            let mut all = Vec::new();
            let mut send = |out: &mut Outgoing, outbox: &mut Vec<u8>, most: usize| {
                let header = out.header();
                let piece: Vec<u8> =
                    out.pieces(&header, outbox.chunks(3)).flatten().copied().take(most).collect();
                outbox.drain(..out.on_sent(piece.len()));
                all.extend_from_slice(&piece);
            };
            send(&mut out, &mut outbox, at_once);
            for more in [&b"PONG\r\n"[..], b"", b"+OK\r\n"] {
                outbox.extend(more);
                out.begin_next_frame(outbox.len());
            }
            while !out.is_between_frames() {
                send(&mut out, &mut outbox, at_once);
            }
            // A header that has begun has said how long its frame is, and another one cannot come before its end.
            let (behind, left): (&[u8], &[u8]) = match at_once {
                1 => (b"", b"PONG\r\n+OK\r\n"),
                _ => (b"\x82\x0bPONG\r\n+OK\r\n", b""),
            };
            assert_eq!((&all[..], &outbox[..]), (&[b"\x82\x06PING\r\n", behind].concat()[..], left));
        }
    }

    #[test]
    fn a_frame_of_which_nothing_has_left_grows() {
        let (mut out, mut outbox) = (Outgoing::default(), b"PING\r\nPONG\r\n".to_vec());
        out.begin_frame(6);
        out.begin_next_frame(12);
        assert_eq!(sent(&mut out, &mut outbox, 5), b"\x82\x0cPING\r\nPONG\r\n");
    }
}
