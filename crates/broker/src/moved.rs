//! A connection on its way from one shard to another.

mod pack;

use conns::Conn;

use crate::client::{Client, Hold, Standing};
use crate::subscription::Subscription;

/// Everything a shard knows of a connection, its socket aside.
#[derive(Debug)]
pub struct Moved {
    client: Box<Conn<Client>>,
    /// Each with its filter, which a shard keeps elsewhere.
    subs: Vec<(Box<[u8]>, Subscription)>,
}

impl Moved {
    /// Whether it counts towards `max_connections`.
    pub(crate) fn is_counted(&self) -> bool {
        self.client.counted
    }
}

/// Whether a connection can change shards during a pause: nothing of it waits for answers to this shard.
pub(crate) fn can_move(client: &Conn<Client>) -> bool {
    let waits_here = matches!(client.hold, Some(Hold::Fence | Hold::Offer | Hold::Leaving));
    client.standing == Standing::Admitted
        && !client.is_ending()
        && !client.opening
        && !client.has_read_outside
        && client.fence.is_none()
        && client.deferred.is_empty()
        && !waits_here
}
