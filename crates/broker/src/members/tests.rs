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
    let (before, now) = members.count(1, x, None, MemberChange::Join, false).unwrap();
    assert!(needs_fence(before, now));
    assert_eq!(members.count(2, x, None, MemberChange::Join, false), None);
    assert_eq!(members.count(2, x, None, LEAVE, false), None);
    members.on_left(x, None);
    let (before, now) = members.count(1, x, None, LEAVE, false).unwrap();
    assert_eq!(now.weight, 0);
    assert!(needs_fence(before, now));
    members.on_left(x, None);
    assert!(members.is_empty());
}

#[test]
fn queue_weight_is_told_each_time_but_fenced_only_at_the_ends() {
    let (mut members, x) = (Members::default(), key());
    members.count(1, x, Some(b"q"), MemberChange::Join, false).unwrap();
    let (before, now) = members.count(2, x, Some(b"q"), MemberChange::Join, false).unwrap();
    assert_eq!((before.weight, now.weight), (1, 2));
    assert!(!needs_fence(before, now));
}

#[test]
fn interest_that_may_run_out_is_fenced_when_nothing_firm_is_left() {
    let (mut members, x) = (Members::default(), key());
    assert_eq!(members.count(2, x, Some(b"q"), MemberChange::BecomeLimited, false), None);
    let (before, now) = members.count(2, x, Some(b"q"), MemberChange::BecomeLimited, false).unwrap();
    assert!(before.firm && !now.firm && needs_fence(before, now));
    let (before, now) =
        members.count(2, x, Some(b"q"), MemberChange::Leave { limited: true }, false).unwrap();
    assert!(!now.firm && now.weight == 1 && !needs_fence(before, now));
}

/// One member as a list would have it.
#[derive(Clone, Copy, Default)]
struct Member {
    limited: bool,
    leaving: bool,
    far: bool,
}

fn told(list: &[Member], is_queue: bool) -> Told {
    let counted = || list.iter().filter(|member| !member.leaving);
    let is_far = is_queue && counted().next().is_some() && counted().all(|member| member.far);
    let told: Vec<&Member> = counted().filter(|member| !is_queue || is_far || !member.far).collect();
    let weight = if is_queue { told.len() as u32 } else { told.len().min(1) as u32 };
    Told { weight, firm: told.iter().any(|member| !member.limited), far: is_far }
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
        let (change, far) = match (random.below(4), list.get_mut(at)) {
            (0, _) if has_room => {
                let far = queue.is_some() && random.below(2) == 0;
                list.push(Member { far, ..Member::default() });
                (MemberChange::Join, far)
            }
            (1, Some(member)) if !member.leaving => {
                member.leaving = true;
                (MemberChange::Leave { limited: member.limited }, member.far)
            }
            (2, Some(member)) if !member.leaving && !member.limited && !member.far => {
                member.limited = true;
                (MemberChange::BecomeLimited, false)
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
        assert_eq!(members.count(list.len(), x, queue, change, far), expected);
    }
    for (list, queue) in lists.iter_mut().zip(groups) {
        while let Some(member) = list.last_mut() {
            if !member.leaving {
                let Member { limited, far, .. } = *member;
                members.count(list.len(), x, queue, MemberChange::Leave { limited }, far);
            }
            list.pop();
            members.on_left(x, queue);
        }
    }
    assert!(members.is_empty());
}
