//! What nats-server 2.14.5 wrote: two streams, some of whose messages are gone, and a consumer.

use foreign_store::{
    BlockStep, ConsumerState, Item, Kind, Part, RecordHash, StreamState, TarReader, meta_sum, unpack_block,
};
use s2_stream::{Reader, Step};

const SNAPSHOT: &[u8] = include_bytes!("../testdata/snapshot.s2");
const PLAIN: &[u8] = include_bytes!("../testdata/plain.blk");
const PACKED: &[u8] = include_bytes!("../testdata/packed.blk");
const INDEX: &[u8] = include_bytes!("../testdata/index.db");
const CONSUMER: &[u8] = include_bytes!("../testdata/o.dat");

/// Sequences that STREAM.INFO said are gone, behind the first one.
const GONE: [u64; 7] = [3, 4, 7, 10, 13, 17, 40];

fn files(snapshot: &[u8], cut: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut packed, mut tar, mut files) =
        (Reader::new(), TarReader::new(), Vec::<(Vec<u8>, Vec<u8>)>::new());
    for piece in snapshot.chunks(cut) {
        packed.feed(piece);
        while let Step::Plain(mut bytes) = packed.step(usize::MAX).unwrap() {
            loop {
                let (used, item) = tar.step(bytes).unwrap();
                bytes = &bytes[used..];
                match item {
                    Item::File { path, .. } => files.push((path, Vec::new())),
                    Item::Bytes(some) => files.last_mut().unwrap().1.extend_from_slice(some),
                    Item::FileEnd => {}
                    Item::NeedMore | Item::End => break,
                }
            }
        }
    }
    assert!(tar.is_at_end() && packed.is_between_chunks());
    files
}

/// Kind and sequence of each record.
fn records(block: &[u8], hash: &RecordHash) -> Vec<(Kind, u64)> {
    let mut rest = block;
    let mut found = Vec::new();
    while let BlockStep::Record { used, record } = hash.step(rest).unwrap() {
        found.push((record.kind, record.seq));
        rest = &rest[used..];
    }
    assert!(rest.is_empty());
    found
}

#[test]
fn a_snapshot_has_the_files_of_the_stream() {
    for cut in [7, SNAPSHOT.len()] {
        let files = files(SNAPSHOT, cut);
        let paths: Vec<&str> = files.iter().map(|(path, _)| str::from_utf8(path).unwrap()).collect();
        assert_eq!(
            paths,
            [
                "meta.inf",
                "meta.sum",
                "msgs/1.blk",
                "msgs/index.db",
                "obs/C/meta.inf",
                "obs/C/meta.sum",
                "obs/C/o.dat"
            ]
        );
        assert_eq!(files[0].1.get(..12), Some(&br#"{"Created":""#[..]));
        assert_eq!(meta_sum("S", &files[0].1).as_bytes(), files[1].1);
        assert_eq!(meta_sum("S/C", &files[4].1).as_bytes(), files[5].1);
        assert_eq!(Part::of(&files[2].0), Part::Block(1));
        assert_eq!(files[2].1, PLAIN);
    }
}

#[test]
fn its_index_says_which_messages_are_gone() {
    let state = StreamState::read("S", INDEX).unwrap();
    assert_eq!((state.messages, state.bytes, state.first_seq, state.last_seq), (32, 2145, 2, 40));
    let is_gone = |seq: &u64| !state.has(*seq);
    assert_eq!((2..=40).filter(is_gone).collect::<Vec<_>>(), GONE);
    assert!(is_gone(&1) && is_gone(&41));
    assert_eq!((state.last_block, &state.last_sum[..]), (1, &PLAIN[PLAIN.len() - 8..]));
    assert!(StreamState::read("T", INDEX).is_err(), "it is of another stream");
}

#[test]
fn blocks_tell_as_much_without_it() {
    let found = records(PLAIN, &RecordHash::of_block("S", 1));
    let of = |kind: Kind| found.iter().filter(move |(other, _)| *other == kind).map(|(_, seq)| *seq);
    let mut gone: Vec<u64> = of(Kind::Tombstone).chain(of(Kind::Erased)).collect();
    gone.sort_unstable();
    gone.dedup();
    assert_eq!(gone, [&[1][..], &GONE].concat());
    let live = of(Kind::Message).filter(|seq| gone.binary_search(seq).is_err());
    assert_eq!(live.count(), 32);
}

#[test]
fn packed_blocks_are_unpacked() {
    let block = unpack_block(PACKED.to_vec()).unwrap();
    assert!(PACKED.len() < block.len() / 4);
    let found = records(&block, &RecordHash::of_block("PACKED", 1));
    let (first, last) = (found[0], found[found.len() - 1]);
    assert_eq!((first, last.0), ((Kind::Message, 1), Kind::Message));
    for at in [9, 20, PACKED.len() / 2] {
        let mut bad = PACKED.to_vec();
        bad[at] ^= 0x55;
        assert!(unpack_block(bad).is_err(), "byte {at}");
    }
}

#[test]
fn a_consumer_stands_where_it_said() {
    let state = ConsumerState::read(CONSUMER).unwrap();
    assert_eq!((state.delivered, state.floor), ((8, 14), (2, 5)));
    let pending: Vec<(u64, u64)> = state.pending.iter().map(|(seq, one)| (*seq, one.consumer_seq)).collect();
    assert_eq!(pending, [(6, 3), (8, 4), (11, 6), (12, 7), (14, 8)]);
    assert_eq!(ConsumerState::read(&state.write()), Ok(state));
}
