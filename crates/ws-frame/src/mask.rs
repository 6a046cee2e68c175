//! The mask that clients lay over what they send (RFC 6455, section 5.3).

/// The key of a frame, turned so that the next byte stands at its front.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mask([u8; 4]);

impl Mask {
    pub(crate) fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Takes the mask off the next bytes of the frame, or lays it over them: that is the same.
    pub(crate) fn apply(&mut self, bytes: &mut [u8]) {
        let key: [u8; 8] = std::array::from_fn(|at| self.0[at % 4]);
        let word = u64::from_ne_bytes(key);
        let (words, rest) = bytes.as_chunks_mut::<8>();
        for chunk in words {
            *chunk = (u64::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(key) {
            *byte ^= key;
        }
        self.0.rotate_left(rest.len() % 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_pieces_are_the_bytes_at_once() {
        let key = [1, 2, 4, 8];
        let plain: Vec<u8> = (0..100).collect();
        let expected: Vec<u8> = plain.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
        for first in 0..40 {
            for second in 0..20 {
                let (mut mask, mut bytes) = (Mask::new(key), plain.clone());
                let (head, rest) = bytes.split_at_mut(first);
                let (middle, tail) = rest.split_at_mut(second);
                mask.apply(head);
                mask.apply(middle);
                mask.apply(tail);
                assert_eq!(bytes, expected, "{first} and {second} bytes");
            }
        }
    }
}
