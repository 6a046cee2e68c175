//! Consumers that push to streams, and hold back while a shard that gets it has a full mailbox: it would have to lose what
//! is too much (docs/decisions/0014-room-between-shards.md).

use crate::consumer_set::ConsumerKey;
use crate::home::Home;
use crate::turn::Turn;

impl Home {
    /// A consumer has to wait until there is room.
    pub(crate) fn hold_back(&mut self, turn: &mut Turn<'_>, key: ConsumerKey) {
        self.held_back.insert(key);
        turn.broker.await_news(turn.post.service());
    }

    /// Those who hold back stand in line again, if there was room anywhere.
    pub(crate) fn heed_room(&mut self, turn: &Turn<'_>) {
        let changes = turn.broker.room_changes();
        if std::mem::replace(&mut self.room_seen, changes) != changes {
            for key in std::mem::take(&mut self.held_back) {
                self.line_up(key);
            }
        }
    }
}
