//! Where a new connection goes.

use crate::load::Load;

/// From this load on a shard counts as busy and new connections go elsewhere: what it has may still
/// grow, and a shard that is at work half of the time answers everybody else half a turn later.
const BUSY: Load = Load::permille(500);

/// What new connections are placed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlacementRule {
    /// To the first shard that is not busy, else to the least busy one. Connections that talk to
    /// each other do best on one shard while it keeps up: between two shards that sleep a request
    /// costs two wake-ups more.
    #[default]
    Load,
    /// To the shard with the fewest connections.
    Spread,
}

/// Picks a shard for one new connection. `open` has the connections of each shard, `loads` how busy
/// each is; a shard beyond its end is not known to be busy.
///
/// # Panics
/// There is no shard.
pub fn place(rule: PlacementRule, open: &[usize], loads: &[Load]) -> usize {
    let load = |shard: usize| loads.get(shard).copied().unwrap_or_default();
    let shards = 0..open.len();
    let chosen = match rule {
        PlacementRule::Spread => shards.min_by_key(|shard| open[*shard]),
        PlacementRule::Load => shards
            .clone()
            .find(|shard| load(*shard) < BUSY)
            .or_else(|| shards.min_by_key(|shard| load(*shard))),
    };
    chosen.expect("there is a shard")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_load(permille: &[u16]) -> usize {
        let loads: Vec<Load> = permille.iter().copied().map(Load::permille).collect();
        place(PlacementRule::Load, &[9, 0, 0], &loads)
    }

    #[test]
    fn by_load_the_first_shard_fills_until_it_is_busy() {
        assert_eq!(by_load(&[0, 0, 0]), 0);
        assert_eq!(by_load(&[499, 0, 0]), 0);
        assert_eq!(by_load(&[500, 499, 0]), 1);
        assert_eq!(by_load(&[]), 0, "nothing is known yet");
    }

    #[test]
    fn by_load_the_least_busy_is_taken_when_all_are() {
        assert_eq!(by_load(&[1000, 700, 701]), 1);
        assert_eq!(by_load(&[800, 800, 800]), 0);
    }

    #[test]
    fn spreading_looks_at_connections_alone() {
        let loads = [Load::NONE, Load::FULL, Load::NONE];
        assert_eq!(place(PlacementRule::Spread, &[2, 1, 2], &loads), 1);
        assert_eq!(place(PlacementRule::Spread, &[1, 1, 1], &loads), 0);
    }
}
