//! What the shards count and tell of themselves.

mod shards;

use std::time::Duration;

use monitor::{ConnectionFilter, ConnectionRow, ShardTotals, Subjects, SubscriptionFilter, Tally};
use shards::{CLOSED_MAX, Conn, Shards};

fn tally(msgs: u64, bytes: u64) -> Tally {
    Tally { msgs, bytes }
}

fn totals(shards: &mut Shards) -> ShardTotals {
    let mut all = ShardTotals::default();
    for broker in &mut shards.brokers {
        // What shards tell each other is not what this is about.
        all.add(&ShardTotals { mesh_bytes: 0, ..broker.totals() });
    }
    all
}

/// All rows of a shard, page by page.
fn rows(shards: &mut Shards, shard: usize) -> Vec<ConnectionRow> {
    let mut rows = Vec::new();
    let mut from = Some(0);
    while let Some(at) = from {
        let page = shards.brokers[shard].connection_page(at, &ConnectionFilter::default());
        rows.extend(page.rows);
        from = page.next;
    }
    rows
}

fn row(shards: &mut Shards, conn: Conn, cid: u64) -> ConnectionRow {
    rows(shards, conn.shard).into_iter().find(|row| row.cid == cid).expect("the connection is there")
}

#[test]
fn what_was_sent_and_delivered_is_counted_on_both_sides() {
    let mut shards = Shards::new(2);
    let (publisher, here, there) = (shards.quiet(), shards.quiet(), shards.quiet());
    assert_ne!(publisher.shard, here.shard);
    shards.feed(here, "SUB a 1\r\n");
    shards.feed(there, "SUB > 1\r\nSUB a q 2\r\n");
    shards.settle();
    shards.feed(publisher, "PUB a 5\r\nfirst\r\nPUB a 6\r\nsecond\r\nPUB b 0\r\n\r\nPUB a 4\r\nha");
    shards.settle();
    assert_eq!(row(&mut shards, publisher, 1).input, tally(3, 11), "the unfinished one is not counted");
    assert_eq!(row(&mut shards, here, 2).output, tally(2, 11));
    assert_eq!(row(&mut shards, there, 3).output, tally(5, 22));
    let all = totals(&mut shards);
    assert_eq!((all.input, all.output), (tally(3, 11), tally(7, 33)));
    assert_eq!((all.connections, all.connections_total, all.subscriptions), (3, 3, 3));
    let accounts = shards.brokers[0].account_page(0);
    assert_eq!((&*accounts.rows[0].name, accounts.rows[0].input), ("$G", tally(3, 11)));
}

#[test]
fn counters_move_with_their_connection() {
    let mut shards = Shards::new(2);
    let (moving, other) = (shards.quiet(), shards.quiet());
    shards.feed(moving, "SUB a 1\r\nPUB a 5\r\nfirst\r\n");
    shards.settle();
    let before = (row(&mut shards, moving, 1), totals(&mut shards));
    assert!(shards.ask_to_move(&[moving], 1));
    shards.settle();
    let moved = shards.find(moving);
    assert_eq!(moved.shard, 1);
    assert_eq!(row(&mut shards, moved, 1), before.0);
    let all = totals(&mut shards);
    assert_eq!(all, ShardTotals { connections_moved_in: 1, ..before.1 });
    shards.feed(other, "PUB a 6\r\nsecond\r\n");
    shards.settle();
    assert_eq!(row(&mut shards, moved, 1).output, tally(2, 11));
    assert_eq!(totals(&mut shards).output, tally(2, 11));
}

#[test]
fn a_connection_that_ends_is_remembered_with_its_reason_and_subscriptions() {
    let mut shards = Shards::new(1);
    let conn = shards.connect(r#""verbose":false,"pedantic":false,"name":"n","lang":"rust","version":"1""#);
    shards.pass(Duration::from_secs(5));
    shards.feed(conn, "SUB a q 7\r\nPUB b 3\r\nabc\r\nNONSENSE\r\n");
    assert!(shards.is_closed(conn));
    let page = shards.remembered.page(0, &ConnectionFilter::default());
    let [closed] = &page.rows[..] else { panic!("{page:?}") };
    assert_eq!((closed.reason, closed.stop), ("Protocol Violation", shards.now.0));
    assert_eq!(closed.row.input, tally(1, 3), "what came with the error counts");
    let said = (&*closed.row.name, &*closed.row.lang, &*closed.row.version, closed.row.subscriptions);
    assert_eq!(said, ("n", "rust", "1", 1));
    let sub = &closed.subscriptions[0];
    let said = (&sub.subject[..], sub.queue.as_deref(), &sub.sid[..], sub.msgs);
    assert_eq!(said, (&b"a"[..], Some(&b"q"[..]), &b"7"[..], 0));
    assert!(rows(&mut shards, 0).is_empty());
    assert_eq!(totals(&mut shards).connections, 0);
    let none = ConnectionFilter { cid: Some(2), ..ConnectionFilter::default() };
    assert!(shards.remembered.page(0, &none).rows.is_empty());
}

// Each shard kept as many as all together were to.
#[test]
fn the_latest_connections_of_all_shards_are_remembered_and_no_more() {
    let mut shards = Shards::new(2);
    let conns: Vec<Conn> = (0..CLOSED_MAX + 10).map(|_| shards.quiet()).collect();
    for conn in &conns {
        shards.feed(*conn, "NONSENSE\r\n");
    }
    let page = shards.remembered.page(0, &ConnectionFilter::default());
    let cids: Vec<u64> = page.rows.iter().map(|closed| closed.row.cid).collect();
    assert_eq!(cids, (11..=10 + CLOSED_MAX as u64).collect::<Vec<_>>());
}

#[test]
fn a_reader_that_is_cut_off_and_what_waits_are_counted() {
    let mut shards = Shards::with(1, |settings| settings.options.max_pending = 1000);
    let (publisher, reader) = (shards.quiet(), shards.quiet());
    shards.limit_room(reader, 0);
    shards.feed(reader, "SUB a 1\r\n");
    let one = format!("PUB a 400\r\n{}\r\n", "x".repeat(400));
    shards.feed(publisher, &one);
    shards.flush_now();
    let waiting = row(&mut shards, reader, 2).pending_bytes;
    assert!(waiting > 400);
    assert_eq!(totals(&mut shards).pending_bytes, waiting);
    shards.feed(publisher, &one.repeat(2));
    shards.flush_now();
    let all = totals(&mut shards);
    assert_eq!((all.slow_consumers_pending, all.pending_bytes, all.connections), (1, 0, 1));
    assert_eq!(
        (all.stalls, row(&mut shards, publisher, 1).stalls),
        (1, 1),
        "it met a reader that fell behind"
    );
}

#[test]
fn long_answers_come_in_pages() {
    let mut shards = Shards::new(1);
    let conns: Vec<Conn> = (0..300).map(|_| shards.quiet()).collect();
    for conn in &conns {
        for sid in 0..10 {
            shards.feed(*conn, &format!("SUB s.{sid} {sid}\r\n"));
        }
    }
    let first = shards.brokers[0].connection_page(0, &ConnectionFilter::default());
    assert!(first.rows.len() < 300 && first.next.is_some());
    assert_eq!(rows(&mut shards, 0).len(), 300);
    let filter = SubscriptionFilter {
        cids: Some(vec![7, 250]),
        subjects: Subjects::Matching("s.3".into()),
        ..SubscriptionFilter::default()
    };
    let mut found = Vec::new();
    let mut from = Some(0);
    while let Some(at) = from {
        let page = shards.brokers[0].subscription_page(at, &filter);
        found.extend(page.rows.into_iter().map(|row| (row.cid, row.subject)));
        from = page.next;
    }
    let wanted: Box<[u8]> = (*b"s.3").into();
    assert_eq!(found, [(7, wanted.clone()), (250, wanted)]);
}
