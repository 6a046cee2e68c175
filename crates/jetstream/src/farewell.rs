//! The way out: whoever waits for messages is told that the server stops, to ask again elsewhere or later.

use consumers::{Effect, Effects};

use crate::home::Home;
use crate::post::Message;
use crate::turn::Turn;

impl Home {
    /// Tells all who wait for messages of this shard's consumers.
    pub(crate) fn tell_stopping(&self, turn: &mut Turn<'_>) {
        let mut out = Effects::new();
        for slot in self.streams.keys().filter_map(|id| self.streams.get(id)) {
            let account = slot.account();
            for (_, consumer) in slot.consumers.iter() {
                consumer.tell_stopping(&mut out);
                for effect in out.drain(..) {
                    if let Effect::Status { to, block, .. } = effect {
                        turn.publish(&Message { header: &block, ..Message::new(account, &to, b"") });
                    }
                }
            }
        }
    }
}
