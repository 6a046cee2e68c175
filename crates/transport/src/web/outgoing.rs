//! What is to be sent, and where in it the socket is.
//!
//! Small payloads and large ones stay in the outbox of the protocol, behind a header that is made here. Bytes of our
//! own go before it: answers, pongs, and what was made of the outbox by compressing it or by cutting it small.

use ws_frame::{Frame, HEADER_BYTES_MAX, Opcode};

/// What is to be sent of one connection.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// Only while there is something.
    own: Option<Box<Own>>,
    header: [u8; HEADER_BYTES_MAX],
    /// Where in the header the socket is, and where it ends.
    header_at: u8,
    header_len: u8,
    /// Bytes of the outbox that belong to the frame under way.
    left: usize,
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
        self.left == 0 && self.header_at == self.header_len && stands_for_none
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

    /// Begins a frame of the next `len` bytes of the outbox.
    pub(super) fn begin_frame(&mut self, len: usize) {
        let header = Frame::whole(Opcode::Binary).header(len);
        let bytes = header.as_ref();
        self.header[..bytes.len()].copy_from_slice(bytes);
        (self.header_at, self.header_len) = (0, bytes.len() as u8);
        self.left = len;
    }

    /// What is to be sent, if the outbox has these pieces. None is empty.
    pub(crate) fn pieces<'a, 'o: 'a>(
        &'a self,
        outbox: impl Iterator<Item = &'o [u8]>,
    ) -> impl Iterator<Item = &'a [u8]> {
        let header = &self.header[usize::from(self.header_at)..usize::from(self.header_len)];
        let own = [self.rest(), header].into_iter().filter(|piece| !piece.is_empty());
        let mut left = self.left;
        let framed = outbox.map_while(move |piece: &'o [u8]| -> Option<&'a [u8]> {
            let now = left.min(piece.len());
            left -= now;
            (now > 0).then_some(&piece[..now])
        });
        own.chain(framed)
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
        let of_header = count.min(usize::from(self.header_len - self.header_at));
        self.header_at += of_header as u8;
        let of_frame = (count - of_header).min(self.left);
        self.left -= of_frame;
        of_outbox + of_frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(out: &mut Outgoing, outbox: &mut Vec<u8>, at_once: usize) -> Vec<u8> {
        let mut sent = Vec::new();
        loop {
            let piece: Vec<u8> = out.pieces(outbox.chunks(3)).flatten().copied().take(at_once).collect();
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
}
