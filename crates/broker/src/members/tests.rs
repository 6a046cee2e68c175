use subject_trie::SubjectTrie;

use super::*;
use crate::random::Random;

const LEAVE: MemberChange = MemberChange::Leave { limited: false };

/// The key of some filter.
fn key() -> FilterKey {
    SubjectTrie::new().insert(b"x", None, 1).unwrap()
}

#[test]
fn plain_interest_is_told_when_it_begins_and_ends() {
    let (mut members, x) = (Members::default(), key());
    let (before, now) = members.count(1, x, None, MemberChange::Join).unwrap();
    assert!(needs_fence(before, now));
    assert_eq!(members.count(2, x, None, MemberChange::Join), None);
    assert_eq!(members.count(2, x, None, LEAVE), None);
    members.on_left(x, None);
    let (before, now) = members.count(1, x, None, LEAVE).unwrap();
    assert_eq!(now.weight, 0);
    assert!(needs_fence(before, now));
    members.on_left(x, None);
    assert!(members.is_empty());
}

#[test]
fn queue_weight_is_told_each_time_but_fenced_only_at_the_ends() {
    let (mut members, x) = (Members::default(), key());
    members.count(1, x, Some(b"q"), MemberChange::Join).unwrap();
    let (before, now) = members.count(2, x, Some(b"q"), MemberChange::Join).unwrap();
    assert_eq!((before.weight, now.weight), (1, 2));
    assert!(!needs_fence(before, now));
}

#[test]
fn interest_that_may_run_out_is_fenced_when_nothing_firm_is_left() {
    let (mut members, x) = (Members::default(), key());
    assert_eq!(members.count(2, x, Some(b"q"), MemberChange::BecomeLimited), None);
    let (before, now) = members.count(2, x, Some(b"q"), MemberChange::BecomeLimited).unwrap();
    assert!(before.firm && !now.firm && needs_fence(before, now));
    let (before, now) = members.count(2, x, Some(b"q"), MemberChange::Leave { limited: true }).unwrap();
    assert!(!now.firm && now.weight == 1 && !needs_fence(before, now));
}

/// One member as a list would have it.
#[derive(Clone, Copy, Default)]
struct Member {
    limited: bool,
    leaving: bool,
}

fn told(list: &[Member], is_queue: bool) -> Told {
    let counted = || list.iter().filter(|member| !member.leaving);
    let all = counted().count() as u32;
    let weight = if is_queue { all } else { all.min(1) };
    Told { weight, firm: counted().any(|member| !member.limited) }
}

#[test]
fn what_is_told_is_what_a_list_of_members_says() {
    let groups = [None, Some(&b"q"[..]), Some(b"r")];
    let (mut members, x) = (Members::default(), key());
    let mut lists = [const { Vec::<Member>::new() }; 3];
    let mut random = Random::new(1);
    for _ in 0..20_000 {
        let group = random.below(3) as usize;
        let (list, queue) = (&mut lists[group], groups[group]);
        let before = told(list, queue.is_some());
        let at = random.below(list.len() as u64) as usize;
        let has_room = list.len() < 6;
        let change = match (random.below(4), list.get_mut(at)) {
            (0, _) if has_room => {
                list.push(Member::default());
                MemberChange::Join
            }
            (1, Some(member)) if !member.leaving => {
                member.leaving = true;
                MemberChange::Leave { limited: member.limited }
            }
            (2, Some(member)) if !member.leaving && !member.limited => {
                member.limited = true;
                MemberChange::BecomeLimited
            }
            (3, Some(member)) if member.leaving => {
                members.on_left(x, queue);
                list.swap_remove(at);
                continue;
            }
            _ => continue,
        };
        let now = told(list, queue.is_some());
        let expected = (before != now).then_some((before, now));
        assert_eq!(members.count(list.len(), x, queue, change), expected);
    }
    for (list, queue) in lists.iter_mut().zip(groups) {
        while let Some(member) = list.last_mut() {
            if !member.leaving {
                let limited = member.limited;
                members.count(list.len(), x, queue, MemberChange::Leave { limited });
            }
            list.pop();
            members.on_left(x, queue);
        }
    }
    assert!(members.is_empty());
}
