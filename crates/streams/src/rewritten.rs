//! What is stored of a message in the place of what came.

use crate::stream::Scratch;

/// Which parts of a message are stored as `scratch` has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edits {
    pub(crate) subject: bool,
    pub(crate) header: bool,
    pub(crate) payload: bool,
}

/// What is stored of a message in the place of what came.
#[derive(Debug, Default)]
pub(crate) struct Rewritten {
    pub(crate) header: Option<Vec<u8>>,
    pub(crate) payload: Option<Vec<u8>>,
}

impl Rewritten {
    /// Puts it where it is taken from for the log.
    pub(crate) fn put_into(self, scratch: &mut Scratch, mut edits: Edits) -> Edits {
        for (text, into, is_edited) in [
            (self.header, &mut scratch.header, &mut edits.header),
            (self.payload, &mut scratch.payload, &mut edits.payload),
        ] {
            if let Some(text) = text {
                (*into, *is_edited) = (text, true);
            }
        }
        edits
    }
}
