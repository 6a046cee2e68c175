//! When the broker looks ahead, and at what.

use conns::ConnId;
use fabric::{MeshFrame, MeshFrames};
use nats_proto::{ClientDecoder, ClientOp, Step};

use crate::broker::Broker;

use super::Ahead;

/// Ops looked at in one go: enough to keep the processor's line of misses full, and few enough that what
/// they read still fits its nearest cache.
const OPS_MAX: usize = 16;

/// Input shorter than this holds too few ops to gain anything.
const INPUT_BYTES_MIN: usize = 256;

impl Broker {
    /// The op at the front of the input is next: looks at those behind it too, if it is time to.
    #[inline]
    pub(crate) fn look_ahead(&mut self, id: ConnId, input: &[u8]) {
        if self.ahead.left > 0 {
            self.ahead.left -= 1;
        } else {
            self.ahead.left = OPS_MAX - 1;
            if input.len() >= INPUT_BYTES_MIN {
                self.look_at_input(id, input);
            }
        }
    }

    fn look_at_input(&mut self, id: ConnId, input: &[u8]) {
        let index = self.egress.clients.at(id).account;
        let space = &mut self.spaces[index];
        if !space.misses_memory() {
            return;
        }
        let mut decoder = ClientDecoder::default();
        let mut rest = input;
        self.ahead.hashes.clear();
        while self.ahead.hashes.len() < OPS_MAX
            && let Ok(Step::Op { used, op: ClientOp::Publish(publish) }) = decoder.step(rest, &self.limits)
        {
            self.ahead.hashes.push(space.local.hash(publish.subject));
            rest = &rest[used..];
        }
        self.read_ahead(index);
    }

    /// The next of these frames of another shard is next.
    pub(crate) fn look_ahead_in_batch(&mut self, frames: &MeshFrames<'_>) {
        if self.ahead.left > 0 {
            self.ahead.left -= 1;
            return;
        }
        self.ahead.left = OPS_MAX - 1;
        let mut messages = frames.clone().map_while(|frame| match frame {
            Ok(MeshFrame::Message(message)) => Some(message),
            _ => None,
        });
        let Some(first) = messages.next() else { return };
        let Some(space) = self.spaces.get_mut(first.account as usize) else { return };
        if !space.misses_memory() {
            return;
        }
        let same = messages.take_while(|message| message.account == first.account).take(OPS_MAX - 1);
        let subjects = same.map(|message| space.local.hash(message.publish.subject));
        self.ahead.hashes.clear();
        self.ahead.hashes.extend(subjects);
        self.read_ahead(first.account as usize);
    }

    fn read_ahead(&mut self, account: usize) {
        let Ahead { hashes, keys, .. } = &mut self.ahead;
        keys.clear();
        self.spaces[account].read_ahead(hashes, keys);
        for key in keys {
            self.egress.subs.read_ahead(*key);
        }
    }
}
