//! What crosses from one shard to another at a time.

use crate::frame::{FramePosition, MeshFrames};

/// What one turn of a shard has to say to another shard.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) frames: Vec<u8>,
    /// Where those begin that have yet to be applied.
    pub(crate) position: FramePosition,
    /// The newest interest round of the sender whose frames the receiver has once it read this.
    pub round: u64,
    /// The newest interest round of the receiver that the sender has applied.
    pub confirmed: u64,
    /// Frame bytes of the receiver that the sender has consumed since its last batch.
    pub credit: usize,
    /// By how many the connections of the sender changed since its last batch.
    pub connections: i32,
    /// The newest pause for which the sender says that no message from it comes behind this.
    pub quiet: u64,
    /// Services of the sender rely on being told everything, as connections do.
    pub inhabited: bool,
    /// A mailbox of the sender is full: publishers to its services wait. What was sent before is taken in.
    pub full: bool,
}

impl Batch {
    /// The frames that have yet to be applied, in the order they were pushed.
    pub fn frames(&self) -> MeshFrames<'_> {
        MeshFrames::at(&self.frames, self.position)
    }

    /// Notes that those before a position that [`MeshFrames::position`] named have been applied.
    pub fn note_applied(&mut self, position: FramePosition) {
        self.position = position;
    }

    /// Bytes of frames.
    pub fn frame_bytes(&self) -> usize {
        self.frames.len()
    }
}
