//! Messages that were compressed lately.
//!
//! Nothing is taken over from one message to the next, so who is sent the same bytes gets the same message. In a
//! fan-out many are, one behind the other: it is compressed once for all of them.

use std::collections::VecDeque;

/// Bytes of output that are remembered with what they were compressed to: as much as a turn gathers for one reader.
/// The oldest are forgotten first.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Messages that are remembered: each may have to be looked at.
const KEPT_MAX: usize = 32;

/// What was compressed lately.
#[derive(Debug, Default)]
pub(super) struct Pressed {
    kept: VecDeque<Kept>,
    /// Bytes of all of them, before they were compressed.
    bytes: usize,
}

#[derive(Debug, Default)]
struct Kept {
    plain: Vec<u8>,
    pressed: Vec<u8>,
}

impl Pressed {
    /// What these pieces of so many bytes come to, which `press` finds out where nobody was sent them lately.
    pub(super) fn of<'a>(
        &mut self,
        len: usize,
        pieces: impl Iterator<Item = &'a [u8]> + Clone,
        press: impl FnOnce(&[u8], &mut Vec<u8>),
    ) -> &[u8] {
        let is_same = |kept: &Kept| kept.plain.len() == len && is_same(&kept.plain, pieces.clone());
        let at = match self.kept.iter().position(is_same) {
            Some(at) => at,
            None => {
                let mut fresh = self.room_for(len);
                pieces.for_each(|piece| fresh.plain.extend_from_slice(piece));
                press(&fresh.plain, &mut fresh.pressed);
                self.kept.push_back(fresh);
                self.kept.len() - 1
            }
        };
        &self.kept[at].pressed
    }

    /// Forgets what there is no room for beside so many bytes more, and hands out memory for those.
    fn room_for(&mut self, len: usize) -> Kept {
        let mut room = Kept::default();
        while self.kept.len() == KEPT_MAX || (self.bytes + len > KEPT_BYTES_MAX && !self.kept.is_empty()) {
            room = self.kept.pop_front().unwrap_or_default();
            self.bytes -= room.plain.len();
        }
        self.bytes += len;
        room.plain.clear();
        room.pressed.clear();
        room
    }
}

fn is_same<'a>(mut plain: &[u8], pieces: impl Iterator<Item = &'a [u8]>) -> bool {
    for piece in pieces {
        let Some(rest) = plain.strip_prefix(piece) else { return false };
        plain = rest;
    }
    plain.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks for it in pieces of so many bytes. Returns whether it had to be compressed.
    fn ask(pressed: &mut Pressed, plain: &[u8], size: usize) -> bool {
        let mut is_fresh = false;
        let found = pressed.of(plain.len(), plain.chunks(size), |plain, into| {
            is_fresh = true;
            into.extend(plain.iter().rev());
        });
        assert!(found.iter().rev().eq(plain), "it is what it was pressed to");
        is_fresh
    }

    #[test]
    fn the_same_bytes_are_compressed_once_however_they_are_cut() {
        let mut pressed = Pressed::default();
        let others: Vec<Vec<u8>> =
            (0..4_u8).map(|seed| (0..9000_u32).map(|at| at as u8 ^ seed).collect()).collect();
        for plain in &others {
            assert!(ask(&mut pressed, plain, 9000));
        }
        for size in [1, 4096, 8999, 9000] {
            assert!(others.iter().all(|plain| !ask(&mut pressed, plain, size)));
        }
        assert!(ask(&mut pressed, &others[0][..8999], 100), "a part is another");
    }

    #[test]
    fn the_oldest_are_forgotten_and_memory_is_bounded() {
        let mut pressed = Pressed::default();
        let long: Vec<Vec<u8>> = (0..40_u8).map(|seed| vec![seed; 64 << 10]).collect();
        assert!(long.iter().all(|plain| ask(&mut pressed, plain, 1000)));
        assert_eq!(pressed.bytes, KEPT_BYTES_MAX);
        assert!(!ask(&mut pressed, &long[39], 1000) && ask(&mut pressed, &long[0], 1000));
        let short: Vec<Vec<u8>> = (0..=u8::MAX).map(|seed| vec![seed; 600]).collect();
        assert!(short.iter().all(|plain| ask(&mut pressed, plain, 1000)));
        assert_eq!((pressed.kept.len(), pressed.bytes), (KEPT_MAX, KEPT_MAX * 600));
        assert!(
            ask(&mut pressed, &vec![1; 2 * KEPT_BYTES_MAX], 1000),
            "what is longer alone is still compressed"
        );
    }
}
