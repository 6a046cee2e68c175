//! Members of a group.

use consumers::{Consumer, Effect, Now};

use super::{MS, Rig, is_listened_to};

impl Rig {
    /// A member of the group that the consumer is asks for messages; it may be silent for a second.
    pub(crate) fn member_request(&mut self, member: &str, reply: &str, body: &str) {
        let mut out = Vec::new();
        let subs = self.subs.clone();
        let mut listens = |subject: &[u8]| is_listened_to(&subs, subject);
        let (reply, body) = (reply.as_bytes(), body.as_bytes());
        let who = (member, 1_000 * MS);
        self.consumer.on_member_request(&self.at, who, reply, body, &self.index, &mut listens, &mut out);
        self.turn(out);
    }

    /// Has something done to the consumer, and what follows.
    pub(crate) fn with_consumer(&mut self, act: impl FnOnce(&mut Consumer, &Now, &mut Vec<Effect>)) {
        let mut out = Vec::new();
        act(&mut self.consumer, &self.at, &mut out);
        self.turn(out);
    }
}
