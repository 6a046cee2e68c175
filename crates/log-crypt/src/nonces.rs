//! Numbers that are used once.

/// Bytes of a nonce.
pub(crate) const NONCE_BYTES: usize = 12;

/// The nonces of one write: they begin at random and count on.
///
/// Whoever writes draws where to begin for each write anew. A counter that is kept somewhere would come to the same
/// numbers again when what it is kept in goes back to what it was: a disk that is put back from a copy does that.
#[derive(Debug)]
pub struct Nonces(u128);

impl Nonces {
    /// `random` was drawn for this write, and for no other.
    pub fn starting_at(random: [u8; NONCE_BYTES]) -> Self {
        let mut bytes = [0; 16];
        bytes[..NONCE_BYTES].copy_from_slice(&random);
        Self(u128::from_le_bytes(bytes))
    }

    pub(crate) fn next(&mut self) -> [u8; NONCE_BYTES] {
        let nonce = *self.0.to_le_bytes().first_chunk().expect("a number of 16 bytes has 12");
        // What is above 12 bytes is never looked at, so it may overflow into there.
        self.0 = self.0.wrapping_add(1);
        nonce
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_of_a_write_count_on() {
        let mut nonces = Nonces::starting_at([255; 12]);
        assert_eq!([nonces.next(), nonces.next()], [[255; 12], [0; 12]]);
        assert_eq!(nonces.next(), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
