//! Takes the fixed and variable parts of frames from the front of a buffer.

/// A frame that does not read: a defect of ours, never a peer's doing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MeshFrameError {
    /// The buffer ends inside a frame.
    #[error("mesh frame cut short")]
    Truncated,
    /// The kind byte is none of ours.
    #[error("unknown mesh frame kind {0}")]
    UnknownKind(u8),
    /// A frame that leans on a message before it, and there is none.
    #[error("mesh frame without the message it goes on from")]
    NoMessageBefore,
}

#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], MeshFrameError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(MeshFrameError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], MeshFrameError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(MeshFrameError::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, MeshFrameError> {
        self.array::<1>().map(|bytes| bytes[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32, MeshFrameError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, MeshFrameError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], MeshFrameError> {
        let len = self.u32()? as usize;
        self.take(len)
    }
}
