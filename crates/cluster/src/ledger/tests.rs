use nats_proto::InterestKey;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn interest(number: u8) -> Interest {
    let subject = [b's', b'0' + number / 2];
    let queue = (number % 2 == 1).then_some(&b"q"[..]);
    Interest::of(&InterestKey { origin: None, account: None, subject: &subject, queue })
}

/// All that is to be told now.
fn told(ledger: &mut Ledger) -> Vec<(Interest, u32)> {
    std::iter::from_fn(|| ledger.next_change()).map(|change| (change.interest, change.weight)).collect()
}

#[test]
fn members_of_a_group_are_counted_and_plain_subscribers_are_not() {
    let (plain, group, mut ledger) = (interest(0), interest(1), Ledger::default());
    ledger.add(&plain, 1);
    ledger.add(&group, 1);
    assert_eq!(told(&mut ledger), [(plain.clone(), 1), (group.clone(), 1)]);
    ledger.add(&plain, 1);
    ledger.add(&group, 1);
    assert_eq!(told(&mut ledger), [(group.clone(), 2)]);
    ledger.take(&group, 1);
    ledger.take(&plain, 1);
    assert_eq!(told(&mut ledger), [(group.clone(), 1)]);
    ledger.take(&group, 1);
    ledger.take(&plain, 1);
    assert_eq!(told(&mut ledger), [(group, 0), (plain, 0)]);
    assert!(ledger.is_empty());
}

#[test]
fn what_comes_and_goes_between_two_tellings_is_not_told() {
    let (plain, mut ledger) = (interest(0), Ledger::default());
    ledger.add(&plain, 1);
    ledger.take(&plain, 1);
    assert_eq!(told(&mut ledger), []);
    assert!(ledger.is_empty());
    ledger.add(&plain, 1);
    told(&mut ledger);
    ledger.take(&plain, 1);
    ledger.add(&plain, 1);
    assert_eq!(told(&mut ledger), [], "a connection moved");
    assert_eq!(ledger.len(), 1);
}

/// Somebody who is told: what came over the wire, held to what the peer makes of it.
struct Peer {
    reading: Reading,
    known: BTreeMap<Interest, u32>,
}

impl Peer {
    fn hears(&mut self, interest: Interest, weight: u32) {
        let has_group = interest.has_group();
        let before = if weight > 0 {
            self.known.insert(interest.clone(), weight)
        } else {
            Some(self.known.remove(&interest).expect("only what was told is ended"))
        };
        assert!(has_group || weight == 0 || before.is_none(), "a plain subject was told twice: {interest:?}");
        assert_ne!(before, Some(weight), "nothing was new: {interest:?}");
    }
}

#[derive(Debug, Clone)]
enum Act {
    Add(u8, u32),
    Take(u8, u32),
    Tell,
    Come,
    Read(usize, usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..8_u8, 1..3_u32).prop_map(|(at, count)| Act::Add(at, count)),
        4 => (0..8_u8, 1..3_u32).prop_map(|(at, count)| Act::Take(at, count)),
        3 => Just(Act::Tell),
        1 => Just(Act::Come),
        3 => (0..4_usize, 0..3_usize).prop_map(|(peer, count)| Act::Read(peer, count)),
    ]
}

proptest! {
    #[test]
    fn everybody_comes_to_know_what_is_true(acts in vec(act(), 0..120)) {
        let (mut ledger, mut truth, mut peers) = (Ledger::default(), [0_u32; 8], Vec::<Peer>::new());
        let tell = |ledger: &mut Ledger, peers: &mut Vec<Peer>| while let Some(change) = ledger.next_change() {
            for peer in peers.iter_mut().filter(|peer| peer.reading.takes(&change)) {
                peer.hears(change.interest.clone(), change.weight);
            }
        };
        let read = |ledger: &Ledger, peer: &mut Peer, most: usize| for _ in 0..most {
            let Some((interest, weight)) = ledger.read(&mut peer.reading) else { break };
            let interest = interest.clone();
            peer.hears(interest, weight);
        };
        for act in acts {
            match act {
                Act::Add(at, count) => {
                    truth[usize::from(at)] += count;
                    ledger.add(&interest(at), count);
                }
                Act::Take(at, count) => {
                    let count = count.min(truth[usize::from(at)]);
                    truth[usize::from(at)] -= count;
                    ledger.take(&interest(at), count);
                }
                Act::Tell => tell(&mut ledger, &mut peers),
                Act::Come => peers.push(Peer { reading: Reading::Begun, known: BTreeMap::new() }),
                Act::Read(at, most) => if let Some(peer) = peers.get_mut(at) { read(&ledger, peer, most) },
            }
        }
        tell(&mut ledger, &mut peers);
        let wanted = |at: u8| if at % 2 == 1 { truth[usize::from(at)] } else { truth[usize::from(at)].min(1) };
        let all: BTreeMap<_, _> = (0..8).map(|at| (interest(at), wanted(at))).filter(|(_, weight)| *weight > 0).collect();
        for mut peer in peers {
            read(&ledger, &mut peer, usize::MAX);
            prop_assert_eq!(&peer.reading, &Reading::Ended);
            prop_assert_eq!(peer.known, all.clone());
        }
        prop_assert_eq!(ledger.len(), all.len());
    }
}
