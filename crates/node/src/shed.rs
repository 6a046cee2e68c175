//! Walks over a shard's connections that change something, a few connections in each of its turns.

use broker::{Broker, SHED_AT_ONCE_MAX, Sweep};
use conns::CloseReason;
use fabric::ShardId;
use shard_runtime::Control;

/// Closes up to `count` connections of a shard. Returns how many it closed; fewer than asked for means that
/// there are no more.
pub(crate) fn shed(control: &Control, shard: ShardId, count: usize, reason: CloseReason) -> usize {
    let mut left = count;
    while left > 0 {
        let some = left.min(SHED_AT_ONCE_MAX);
        // A shard that ends has none.
        let closed = control.ask(shard, move |broker, _| broker.shed(some, reason)).recv().unwrap_or(0);
        left -= closed;
        if closed < some {
            break;
        }
    }
    count - left
}

/// Sweeps over all connections of a shard. Returns how many the sweep was about.
pub(crate) fn sweep(control: &Control, shard: ShardId, part: fn(&mut Broker, u64) -> Sweep) -> usize {
    let (mut count, mut from) = (0, Some(0));
    while let Some(at) = from {
        // A shard that ends has none.
        let Ok(swept) = control.ask(shard, move |broker, _| part(broker, at)).recv() else { break };
        count += swept.count;
        from = swept.next;
    }
    count
}
