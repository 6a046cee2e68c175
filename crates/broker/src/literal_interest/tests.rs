use subject_trie::SubjectTrie;

use super::*;
use crate::random::Random;

/// A list of what was told, subjects and all.
#[derive(Default)]
struct Model {
    told: Vec<(usize, ShardId, bool)>,
}

impl Model {
    fn wanting(&self, subject: usize) -> Wanting {
        let mut wanting = Wanting::default();
        for (_, shard, firm) in self.told.iter().filter(|(told, ..)| *told == subject) {
            let set = if *firm { &mut wanting.firm } else { &mut wanting.doubtful };
            set.insert(*shard);
        }
        wanting
    }
}

#[test]
fn a_row_is_eight_bytes() {
    assert_eq!(size_of::<Row>(), 8);
}

#[test]
fn rows_agree_with_a_list_of_what_was_told() {
    const SUBJECTS: u64 = 300;
    let seeded = SubjectTrie::<u32>::new();
    let hashes: Vec<_> =
        (0..SUBJECTS as usize).map(|subject| seeded.hash(format!("s.{subject}").as_bytes())).collect();
    let (mut interest, mut model) = (LiteralInterest::default(), Model::default());
    let mut random = Random::new(1);
    for round in 0..20_000_u64 {
        // Grows to thousands of rows and shrinks to none, some rows there more than once.
        let grows = round % 10_000 < 5_000;
        if grows || model.told.is_empty() {
            let told =
                (random.below(SUBJECTS) as usize, ShardId(random.below(64) as u8), random.below(2) == 0);
            interest.insert(hashes[told.0], told.1, told.2);
            model.told.push(told);
        } else {
            let at = random.below(model.told.len() as u64) as usize;
            let (subject, shard, firm) = model.told.swap_remove(at);
            interest.remove(hashes[subject], shard, firm);
        }
        let subject = random.below(SUBJECTS) as usize;
        assert_eq!(interest.wanting(hashes[subject]), model.wanting(subject));
        assert_eq!(interest.rows.len(), model.told.len());
    }
    assert_eq!(interest.rows.capacity(), 0, "memory goes back with the last row");
}

#[test]
fn of_two_subjects_that_share_a_hash_one_may_go() {
    let hash = SubjectTrie::<u32>::new().hash(b"x");
    let mut interest = LiteralInterest::default();
    interest.insert(hash, ShardId(63), true);
    interest.insert(hash, ShardId(63), true);
    interest.remove(hash, ShardId(63), true);
    assert!(interest.wanting(hash).firm.contains(ShardId(63)));
}
