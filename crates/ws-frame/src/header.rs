//! Headers of frames that go out.

use crate::opcode::{COMPRESSED, FINAL, LEN_16, LEN_64, MASKED, Opcode};

/// Bytes of the longest header.
pub const HEADER_BYTES_MAX: usize = 14;

/// What a frame is to say of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub opcode: Opcode,
    /// Its message ends with it.
    pub is_final: bool,
    /// Its message is compressed. Only said in the first frame of one.
    pub is_compressed: bool,
}

impl Frame {
    /// A frame that is a message by itself.
    pub fn whole(opcode: Opcode) -> Self {
        Self { opcode, is_final: true, is_compressed: false }
    }

    /// What to send before so many bytes of payload. Servers mask nothing.
    pub fn header(self, payload_len: usize) -> Header {
        self.write(payload_len, None)
    }

    /// The same for who has to mask what it sends: `key` is to be unforeseeable, and laid over the payload.
    pub fn masked_header(self, payload_len: usize, key: [u8; 4]) -> Header {
        self.write(payload_len, Some(key))
    }

    fn write(self, payload_len: usize, key: Option<[u8; 4]>) -> Header {
        let mut header = Header { bytes: [0; HEADER_BYTES_MAX], len: 0 };
        let bit = |is_set, bit| if is_set { bit } else { 0 };
        let mask = bit(key.is_some(), MASKED);
        header.put(&[self.opcode as u8 | bit(self.is_final, FINAL) | bit(self.is_compressed, COMPRESSED)]);
        match (u8::try_from(payload_len), u16::try_from(payload_len)) {
            (Ok(len), _) if len < LEN_16 => header.put(&[mask | len]),
            (_, Ok(len)) => {
                header.put(&[mask | LEN_16]);
                header.put(&len.to_be_bytes());
            }
            _ => {
                header.put(&[mask | LEN_64]);
                header.put(&(payload_len as u64).to_be_bytes());
            }
        }
        if let Some(key) = key {
            header.put(&key);
        }
        header
    }
}

/// A frame's header as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    bytes: [u8; HEADER_BYTES_MAX],
    len: u8,
}

impl Header {
    fn put(&mut self, bytes: &[u8]) {
        let at = usize::from(self.len);
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len() as u8;
    }
}

impl AsRef<[u8]> for Header {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_takes_as_few_bytes_as_it_can() {
        let binary = Frame::whole(Opcode::Binary);
        for (len, header) in [
            (0, &[0x82, 0][..]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (65_535, &[0x82, 126, 0xff, 0xff]),
            (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            assert_eq!(binary.header(len).as_ref(), header, "{len}");
        }
    }

    #[test]
    fn what_a_frame_is_stands_in_its_first_byte() {
        let part = Frame { opcode: Opcode::Binary, is_final: false, is_compressed: true };
        assert_eq!(part.header(1).as_ref(), [0x42, 1]);
        assert_eq!(
            Frame::whole(Opcode::Ping).masked_header(1, [1, 2, 3, 4]).as_ref(),
            [0x89, 0x81, 1, 2, 3, 4]
        );
    }
}
