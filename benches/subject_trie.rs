//! Subjects at size: `cargo bench -p subject-trie`.
//!
//! Prints the memory a subscription takes, counted by the allocator, names included, and the
//! rates of filling and emptying a whole trie; then criterion measures single operations.

#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hash::Hash;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};
use subject_trie::{MatchCache, Matches, SubjectTrie};

const LITERALS: usize = 1_000_000;
const WILDCARDS: usize = 10_000;
const CROWD: usize = 100_000;
/// Subjects a bench makes up for filters that are not there.
const SUBJECTS: usize = 1 << 17;
const CACHE_ENTRIES: usize = 4096;

struct CountingAllocator;

static HELD_BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system allocator unchanged; counting touches no memory of its.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD_BYTES.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD_BYTES.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD_BYTES.fetch_add(size, Relaxed);
        HELD_BYTES.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(30);
    print_totals("1 M literal filters, 8-byte values", LITERALS, literal, |index| index as u64);
    print_totals("1 M literal filters, 16-byte values", LITERALS, literal, |index| (index as u64, 0u64));
    print_totals("10 k wildcard filters, 8-byte values", WILDCARDS, wildcard, |index| index as u64);
    let one = |_| "everybody.listens".to_owned();
    print_totals("100 k subscriptions on one filter", CROWD, one, |index| index as u64);
    bench_literals(&mut criterion);
    bench_wildcards(&mut criterion);
    bench_cache(&mut criterion);
    criterion.final_summary();
}

/// 20 bytes each.
fn literal(index: usize) -> String {
    format!("device.{index:07}.state")
}

/// What a busy account holds: an inbox per client and a few families of services.
fn wildcard(index: usize) -> String {
    match index % 20 {
        0..8 => format!("_INBOX.{:022}.*", index * 7919),
        8..12 => format!("orders.*.{index}"),
        12..15 => format!("fleet.{index}.>"),
        15..17 => format!("*.region{index}.>"),
        17..19 => format!("metrics.*.{index}.*.cpu"),
        _ => format!("audit.{index}.*.>"),
    }
}

/// A subject that `wildcard(index)` matches.
fn subject_of_wildcard(index: usize) -> String {
    wildcard(index).replace('*', "any").replace('>', "some.more")
}

/// The numbers below `len`, each once, with no pattern a CPU could guess.
fn shuffled(len: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    let mut state = 0x5EED_u64;
    for index in (1..len).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(index, ((u128::from(state) * (index as u128 + 1)) >> 64) as usize);
    }
    order
}

fn shuffled_names(len: usize, name: impl Fn(usize) -> String) -> Vec<Vec<u8>> {
    shuffled(len).into_iter().map(|index| name(index).into_bytes()).collect()
}

/// In an order unlike the one that memory was allocated in.
fn reshuffled(names: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    shuffled(names.len()).into_iter().map(|index| names[index].clone()).collect()
}

fn print_totals<T: Copy + Eq + Hash>(
    what: &str,
    len: usize,
    name: impl Fn(usize) -> String,
    value: impl Fn(usize) -> T,
) {
    let names = shuffled_names(len, name);
    let order = shuffled(len);
    let before = HELD_BYTES.load(Relaxed);
    let mut trie = SubjectTrie::new();
    let filling = Instant::now();
    for (index, filter) in names.iter().enumerate() {
        trie.insert(filter, None, value(index)).expect("valid");
    }
    let filling = filling.elapsed();
    let held = HELD_BYTES.load(Relaxed) - before;
    let emptying = Instant::now();
    for &index in &order {
        assert!(trie.remove(&names[index], None, &value(index)));
    }
    let emptying = emptying.elapsed();
    let rate = |took: Duration| len as f64 / took.as_secs_f64() / 1e6;
    println!(
        "{what}: {:.1} B each, filled at {:.2} M/s, emptied at {:.2} M/s, {} B held when empty",
        held as f64 / len as f64,
        rate(filling),
        rate(emptying),
        HELD_BYTES.load(Relaxed) - before,
    );
}

fn trie_of(literals: usize, wildcards: usize) -> SubjectTrie<u64> {
    let mut trie = SubjectTrie::new();
    let names = shuffled_names(literals, literal).into_iter().chain(shuffled_names(wildcards, wildcard));
    for (index, filter) in names.enumerate() {
        trie.insert(&filter, None, index as u64).expect("valid");
    }
    trie
}

fn bench_literals(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("1 M literals");
    let mut trie = trie_of(LITERALS, 0);
    let hits = reshuffled(shuffled_names(LITERALS, literal));
    bench_collect(&mut group, "uncached match", &trie, &hits);
    let misses = shuffled_names(SUBJECTS, |index| format!("device.{index:07}.other"));
    bench_collect(&mut group, "uncached match of nothing", &trie, &misses);
    let fresh = shuffled_names(SUBJECTS, |index| format!("client.{index:07}.inbox"));
    bench_insert_and_remove(&mut group, &mut trie, &fresh);
    group.finish();
}

fn bench_wildcards(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("10 k wildcards");
    let mut trie = trie_of(0, WILDCARDS);
    let hits = shuffled_names(WILDCARDS, subject_of_wildcard);
    bench_collect(&mut group, "uncached match", &trie, &hits);
    let misses = shuffled_names(SUBJECTS, |index| format!("device.{index:07}.other"));
    bench_collect(&mut group, "uncached match of nothing", &trie, &misses);
    let fresh = shuffled_names(SUBJECTS, |index| wildcard(WILDCARDS + index));
    bench_insert_and_remove(&mut group, &mut trie, &fresh);
    group.finish();

    let mut group = criterion.benchmark_group("1 M literals and 10 k wildcards");
    let trie = trie_of(LITERALS, WILDCARDS);
    let hits = reshuffled(shuffled_names(LITERALS, literal));
    bench_collect(&mut group, "uncached match of a literal", &trie, &hits);
    group.finish();
}

fn bench_collect(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    trie: &SubjectTrie<u64>,
    subjects: &[Vec<u8>],
) {
    let mut matches = Matches::default();
    let mut turn = subjects.iter().cycle();
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            trie.collect(black_box(turn.next().expect("endless")), &mut matches);
            matches.plain.len()
        });
    });
}

/// Adds filters to a trie that is already large, a batch at a time, and takes them out again.
fn bench_insert_and_remove(
    group: &mut BenchmarkGroup<'_, WallTime>,
    trie: &mut SubjectTrie<u64>,
    fresh: &[Vec<u8>],
) {
    let mut batches = fresh.chunks_exact(1024).cycle();
    let mut timed = |iterations: u64, pick: fn(Duration, Duration) -> Duration| {
        let mut total = Duration::ZERO;
        for done in (0..iterations).step_by(1024) {
            let batch = &batches.next().expect("endless")[..(iterations - done).min(1024) as usize];
            let start = Instant::now();
            for filter in batch {
                trie.insert(black_box(filter), None, 1).expect("valid");
            }
            let inserted = start.elapsed();
            for filter in batch {
                assert!(trie.remove(black_box(filter), None, &1));
            }
            total += pick(inserted, start.elapsed() - inserted);
        }
        total
    };
    group.bench_function("insert", |bencher| {
        bencher.iter_custom(|count| timed(count, |inserted, _| inserted))
    });
    group.bench_function("remove", |bencher| bencher.iter_custom(|count| timed(count, |_, removed| removed)));
}

fn bench_cache(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cache");
    let mut trie = trie_of(100_000, WILDCARDS);
    let hot = shuffled_names(64, literal);
    let mut turn = hot.iter().cycle();
    let mut cache = MatchCache::new(CACHE_ENTRIES);
    group.bench_function("hit", |bencher| {
        bencher.iter(|| cache.lookup(&trie, black_box(turn.next().expect("endless"))).plain.len());
    });

    // A requester that subscribes per request: SUB, two messages on hot subjects, the reply, UNSUB.
    let inboxes = shuffled_names(SUBJECTS, |index| format!("_INBOX.{index:022}"));
    let mut inbox_turn = inboxes.iter().cycle();
    group.bench_function("churn: literal inbox comes, 2 hot, 1 reply, goes", |bencher| {
        bencher.iter(|| {
            let inbox = inbox_turn.next().expect("endless");
            trie.insert(inbox, None, 7).expect("valid");
            let mut matched = 0;
            for subject in [turn.next().expect("endless"), turn.next().expect("endless"), inbox] {
                matched += cache.lookup(&trie, subject).plain.len();
            }
            assert!(trie.remove(inbox, None, &7));
            matched
        });
    });

    // A client that connects, asks once through its one inbox filter, and leaves.
    let filters = shuffled_names(SUBJECTS, |index| format!("_INBOX.{index:022}.*"));
    let replies: Vec<_> =
        filters.iter().map(|filter| [&filter[..filter.len() - 1], b"r1"].concat()).collect();
    let mut clients = filters.iter().zip(&replies).cycle();
    group.bench_function("churn: wildcard inbox comes, 2 hot, 1 reply, goes", |bencher| {
        bencher.iter(|| {
            let (filter, reply) = clients.next().expect("endless");
            trie.insert(filter, None, 7).expect("valid");
            let mut matched = 0;
            for subject in [turn.next().expect("endless"), turn.next().expect("endless"), reply] {
                matched += cache.lookup(&trie, subject).plain.len();
            }
            assert!(trie.remove(filter, None, &7));
            matched
        });
    });

    // The worst case: a filter that may match anything comes and goes, every answer is doubtful.
    group.bench_function("churn: `*.any` comes, 1 hot, goes", |bencher| {
        bencher.iter(|| {
            trie.insert(b"*.any", None, 7).expect("valid");
            let matched = cache.lookup(&trie, turn.next().expect("endless")).plain.len();
            assert!(trie.remove(b"*.any", None, &7));
            matched
        });
    });
    println!("cache: {} hits, {} misses", cache.hits(), cache.misses());
    group.finish();
}
