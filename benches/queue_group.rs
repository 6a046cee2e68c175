//! Choosing a queue-group member: `cargo bench -p queue-group`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use queue_group::{Locality, Remote, pick};

fn bench_pick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue_group");
    let remotes = [1, 2, 3].map(|at| Remote { at, weight: 4 });
    let mut random = 0;
    let mut case = |name: &str, able_every: usize, remotes: &[Remote<i32>], locality| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                random += 1;
                pick(black_box(random), black_box(16), |member| member % able_every == 0, remotes, locality)
            });
        });
    };
    case("16 local, all able", 1, &[], Locality::LocalFirst);
    case("16 local, all able, 3 other shards", 1, &remotes, Locality::Even);
    case("16 local, one able", 16, &[], Locality::LocalFirst);
    group.finish();
}

criterion_group!(benches, bench_pick);
criterion_main!(benches);
