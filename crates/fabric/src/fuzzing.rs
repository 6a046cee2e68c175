//! The body of the fuzz target: what must hold for any bytes at all.
//!
//! A plain function that panics when something does not hold, so a saved crash becomes a unit test by calling it with
//! the saved bytes. Frames never leave the process, so bytes that are none are a defect of ours; it is to be found
//! where it is and not later.

use crate::frame::{FramePosition, MeshFrame, MeshFrames};

/// Reads `data` as the frames of a batch: from each place between two frames the rest reads as it did, and names are
/// read to their end.
pub fn frames(data: &[u8]) {
    let mut frames = MeshFrames::at(data, FramePosition::default());
    loop {
        let before = frames.clone();
        let mut again = MeshFrames::at(data, frames.position());
        let Some(frame) = frames.next() else { break };
        assert_eq!(again.next().as_ref(), Some(&frame), "it reads as it did");
        assert_eq!(again.position(), frames.position());
        match &frame {
            Ok(MeshFrame::Message(message)) => {
                message.groups.iter().for_each(drop);
                check_payload(before, frames.clone(), message.publish.size_text, message.publish.body);
            }
            Ok(MeshFrame::OfferReply(reply)) => reply.refused.iter().for_each(drop),
            Ok(_) => {}
            Err(_) => assert!(frames.is_empty(), "nothing is read behind what is none"),
        }
    }
    assert!(frames.is_empty() && frames.next().is_none());
}

/// Whoever takes the payload alone, where that is possible, has the same.
fn check_payload(mut before: MeshFrames<'_>, after: MeshFrames<'_>, size_text: &[u8], body: &[u8]) {
    if let Some(payload) = before.next_payload() {
        assert_eq!(payload, (size_text, body));
        assert_eq!(before.position(), after.position());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::frames;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whatever_the_bytes_they_are_read_to_their_end(
            data in proptest::collection::vec(prop_oneof![4 => 0..12_u8, 1 => any::<u8>()], 0..200),
        ) {
            frames(&data);
        }
    }
}
