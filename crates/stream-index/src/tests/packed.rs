//! Rows that take a few bytes each.

use super::{Pair, subject};
use crate::Place;

/// What was removed of a footer's rows, moved or linked is where it is looked for.
#[test]
fn rows_of_a_footer_take_little_memory_and_can_be_changed() {
    let mut pair = Pair::new(1);
    pair.append(&(0..4_000).map(|number| number % 40).collect::<Vec<_>>(), 0, 1, 0);
    pair.append(&[3; 4_000], 0, 1, 0);
    pair.check(u32::MAX);
    pair.remove_all([1, 2, 3, 3_999, 4_000, 4_001, 8_000]);
    pair.index.move_to(5_000, Place { segment: 7, offset: 7 });
    pair.model.messages.get_mut(&5_000).unwrap().place = Place { segment: 7, offset: 7 };
    pair.check(u32::MAX);
}

/// But for the newest, and those that lie in two segments or of which something is gone.
#[test]
fn what_is_not_new_is_packed() {
    let mut pair = Pair::new(1);
    for number in 0..290 {
        pair.push(&subject(number % 3), 0, 1);
    }
    assert_eq!(pair.index.rows.packed(), 3);
    pair.check(u32::MAX);
    pair.remove(70);
    assert_eq!(pair.index.rows.packed(), 2);
    for number in 0..20 {
        pair.push(&subject(number % 40), 0, 1);
    }
    pair.check(u32::MAX);
}
