//! A client's name for a subscription.

/// Clients count their subscriptions, so a sid is a number of a few digits; more is tolerated.
const SID_BYTES_INLINE: usize = 14;

/// A sid, kept in place if it is short.
#[derive(Debug)]
pub(crate) enum Sid {
    Short {
        len: u8,
        bytes: [u8; SID_BYTES_INLINE],
    },
    /// Boxed twice, so that the rare case does not widen the common one.
    Long(Box<Box<[u8]>>),
}

impl From<&[u8]> for Sid {
    fn from(sid: &[u8]) -> Self {
        if sid.len() > SID_BYTES_INLINE {
            return Self::Long(Box::new(sid.into()));
        }
        let mut bytes = [0; SID_BYTES_INLINE];
        bytes[..sid.len()].copy_from_slice(sid);
        Self::Short { len: sid.len() as u8, bytes }
    }
}

impl std::ops::Deref for Sid {
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
    fn a_sid_reads_as_it_was_given() {
        assert_eq!(size_of::<Sid>(), 16);
        for len in 0..40 {
            let given = vec![b'7'; len];
            let sid = Sid::from(&given[..]);
            assert_eq!(*sid, given);
            assert_eq!(matches!(sid, Sid::Long(_)), len > SID_BYTES_INLINE);
        }
    }
}
