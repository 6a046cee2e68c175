//! Bytes that rot behind a log's back.

use std::collections::BTreeSet;

use log_format::{
    BATCH_HEAD_BYTES, BatchHead, Found, SEGMENT_HEAD_BYTES, Salt, Scan, TRAILER_BYTES, Trailer,
};
use sim_disk::Faults;
use stream_log::{Span, SyncWhen};

use crate::model::{Key, check_order};
use crate::world::World;

#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) lost_records: u64,
    pub(crate) nothing_lost: u64,
    pub(crate) bad_footers: u64,
    pub(crate) bad_pages: u64,
}

impl std::ops::AddAssign for Stats {
    fn add_assign(&mut self, other: Self) {
        self.lost_records += other.lost_records;
        self.nothing_lost += other.nothing_lost;
        self.bad_footers += other.bad_footers;
        self.bad_pages += other.bad_pages;
    }
}

/// A log comes to rest, one bit flips, and it is opened again.
pub(crate) fn run(seed: u64) -> Stats {
    let mut world = World::new(seed);
    world.disk.faults = Faults::default();
    world.config.sync = SyncWhen::Always;
    world.log = stream_log::Log::new(world.config.clone());
    for _ in 0..world.random.below(400) {
        world.step();
    }
    world.settle();
    if world.random.below(2) == 0 {
        world.log.stop();
    } else {
        world.log.mark();
    }
    world.settle();
    assert!(world.log.is_idle(), "{:?}", world.log);
    let mut stats = Stats::default();
    let Some(allowed) = flip(&mut world) else { return stats };

    let before: BTreeSet<Key> = world.model.messages.keys().copied().collect();
    let (report, found) = world.recover();
    check_order(&found);
    let after: BTreeSet<Key> = found.iter().map(|one| one.key).collect();
    let lost = before.iter().filter(|key| !after.contains(key)).count();
    assert!(lost <= allowed, "{lost} are lost, {allowed} may be: {report:?}");
    assert!(lost == 0 || report.lost_count > 0, "{lost} are lost and nothing is told: {report:?}");
    assert_eq!(report.torn, None, "all of it was safe");
    for one in found.iter().filter(|one| before.contains(&one.key) && one.kind == log_format::Kind::MESSAGE) {
        assert_eq!(one.payload, world.model.messages[&one.key].payload);
    }
    stats.lost_records += lost as u64;
    stats.nothing_lost += u64::from(lost == 0);
    stats.bad_footers += report.bad_footers.len() as u64;
    stats.bad_pages += report.bad_pages.len() as u64;
    stats
}

/// Flips a bit of what was written. Returns how many records that may cost.
fn flip(world: &mut World) -> Option<usize> {
    let files = world.disk.files();
    let index = world.random.below(files.len().max(1) as u64) as usize;
    let (number, len) = *files.get(index)?;
    let bytes = world.disk.read(Span { segment: number, offset: 0, len: len as u32 });
    let salt = Salt::of_segment(&world.config.store, u64::from(number));
    let trailer = Trailer::read(&bytes[bytes.len().saturating_sub(TRAILER_BYTES)..], salt);
    let end = trailer.map_or(bytes.len(), |trailer| trailer.end as usize);
    let batches: Vec<(usize, BatchHead)> = Scan::new(&bytes[SEGMENT_HEAD_BYTES.min(end)..end], salt)
        .filter_map(|found| match found {
            Found::Batch { at, head } => Some((at + SEGMENT_HEAD_BYTES, head)),
            _ => None,
        })
        .collect();
    let written = batches.last().map_or(SEGMENT_HEAD_BYTES, |(at, head)| at + head.padded_len());
    // Of batches, mostly; also of the page and of the footer.
    let at = match world.random.below(8) {
        0 => world.random.below(SEGMENT_HEAD_BYTES as u64) as usize,
        1 => end + world.random.below((bytes.len() - end + 1) as u64) as usize,
        2 if !batches.is_empty() => {
            let index = world.random.below(batches.len() as u64) as usize;
            batches[index].0 + world.random.below(BATCH_HEAD_BYTES as u64) as usize
        }
        _ => world.random.below(written as u64) as usize,
    };
    let is_hit = |(start, _): &&(usize, BatchHead)| (*start..start + BATCH_HEAD_BYTES).contains(&at);
    let allowed = batches.iter().find(is_hit).map_or(1, |(_, head)| (head.records as usize).max(1));
    let bit = world.random.below(8);
    world.disk.rot(number, at, |bytes| bytes[0] ^= 1 << bit);
    Some(allowed)
}
