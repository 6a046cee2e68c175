//! A filter or a token, kept in place if it is short.
//!
//! Thirty bytes in place hold nearly every filter, the inbox of a request (29 bytes) included, and
//! leave a name no larger than a vector beside its tag would be.

/// Names up to this length need no allocation.
const NAME_BYTES_INLINE: usize = 30;

#[derive(Debug)]
pub(crate) enum Name {
    Short { len: u8, bytes: [u8; NAME_BYTES_INLINE] },
    Long(Box<[u8]>),
}

impl Default for Name {
    fn default() -> Self {
        Self::Short { len: 0, bytes: [0; NAME_BYTES_INLINE] }
    }
}

impl From<&[u8]> for Name {
    fn from(name: &[u8]) -> Self {
        if name.len() > NAME_BYTES_INLINE {
            return Self::Long(name.into());
        }
        let mut bytes = [0; NAME_BYTES_INLINE];
        bytes[..name.len()].copy_from_slice(name);
        Self::Short { len: name.len() as u8, bytes }
    }
}

impl std::ops::Deref for Name {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..usize::from(*len)],
            Self::Long(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_as_it_was_given_and_takes_half_a_cache_line() {
        assert_eq!(size_of::<Name>(), 32);
        assert_eq!(&*Name::default(), b"");
        for len in 0..100_u8 {
            let given: Vec<u8> = (0..len).collect();
            let name = Name::from(&given[..]);
            assert_eq!(&*name, given);
            assert_eq!(matches!(name, Name::Long(_)), usize::from(len) > NAME_BYTES_INLINE);
        }
    }
}
