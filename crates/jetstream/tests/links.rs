//! Streams on two shards, and clients that send more than links between them hold: everybody gets on.

mod rig;

use jetstream::Config;
use rig::{Conn, Rig, config};
use sim_disk::SimDisk;

const KIB: usize = 1 << 10;

/// Messages and gets of each client: some times what links, mailboxes and the post hold.
const ROUNDS: usize = 600;

fn create(rig: &mut Rig, client: Conn, name: &str, storage: &str) {
    let config =
        format!(r#"{{"name":"{name}","subjects":["{name}.>"],"storage":"{storage}","allow_direct":true}}"#);
    let said = rig.ask(client, &format!("STREAM.CREATE.{name}"), &config);
    assert!(said.contains("did_create"), "{said}");
}

/// A message to a stream, and a request for one that is twice as large.
fn round(stream: &str) -> String {
    let body = "x".repeat(32 * KIB);
    let message = format!("PUB {stream}.x r.put {}\r\n{body}\r\n", body.len());
    format!("{message}PUB $JS.API.DIRECT.GET.{stream} r.got 9\r\n{{\"seq\":1}}\r\n")
}

/// Each shard's client waited for the other's room, and both posts for what the clients took of it: neither shard took mail.
#[test]
fn clients_that_flood_the_streams_of_each_others_shards_are_all_answered() {
    let mut rig = Rig::with(2, Config { max_memory: 1 << 30, ..config() });
    let clients = [rig.client("a"), rig.client("b")];
    assert_eq!(clients.map(|client| client.shard), [0, 1]);
    create(&mut rig, clients[0], "X", "memory");
    create(&mut rig, clients[0], "Y", "memory");
    create(&mut rig, clients[1], "Z", "memory");
    let streams = ["Y", "Z"];
    assert_eq!(rig.streams_by_shard(), [2, 1], "each client's stream is on the other's shard");
    for (client, stream) in clients.into_iter().zip(streams) {
        rig.publish(client, &format!("{stream}.x"), &"y".repeat(64 * KIB));
    }
    for (client, stream) in clients.into_iter().zip(streams) {
        rig.shards.feed(client, &round(stream).repeat(ROUNDS));
    }
    let mut answers = [[0; 2]; 2];
    // Whoever is behind with reading is waited for, now and then.
    for _ in 0..200 {
        rig.wait(10);
        for (answers, client) in answers.iter_mut().zip(clients) {
            let said = rig.shards.output(client);
            answers[0] += said.matches("MSG r.put 1 ").count();
            answers[1] += said.matches("MSG r.got 1 ").count();
        }
    }
    assert_eq!(answers, [[ROUNDS; 2]; 2]);
}

/// A disk that hangs concerns those who publish to its streams.
#[test]
fn core_messages_go_on_between_shards_while_a_disk_hangs() {
    let mut rig = Rig::on_disk_with(2, SimDisk::new(7), Config { max_storage: 1 << 30, ..config() });
    let [near, far, other] = [(); 3].map(|()| rig.client("a"));
    assert_eq!([near, far, other].map(|client| client.shard), [0, 1, 0]);
    create(&mut rig, near, "X", "file");
    create(&mut rig, near, "Y", "file");
    assert_eq!(rig.streams_by_shard(), [1, 1]);
    rig.shards.feed(far, "SUB core 2\r\n");
    rig.is_disk_slow = true;
    let text = format!("PUB Y.x 65536\r\n{}\r\n", "x".repeat(64 * KIB)).repeat(16);
    let mut sent = 0;
    while rig.shards.brokers[0].wants_input(near.id) {
        rig.shards.feed(near, &text);
        rig.settle();
        sent += 1;
        assert!(sent < 64, "what waits for a disk has a bound");
    }
    assert!(sent > 4, "{sent} MiB");
    for _ in 0..10 {
        let core = format!("PUB core {}\r\n{}\r\n", 1 << 20, "c".repeat(1 << 20));
        rig.shards.feed(other, &core);
        rig.settle();
        assert_eq!(rig.shards.output(far).matches("MSG core 2 ").count(), 1);
    }
    rig.is_disk_slow = false;
    for _ in 0..100 {
        rig.wait(10);
    }
    assert!(rig.shards.brokers[0].wants_input(near.id));
    let info = rig.ask(other, "STREAM.INFO.Y", "");
    assert!(info.contains(&format!(r#""messages":{},"#, sent * 16)), "{info}");
}

/// What a consumer pushes to a stream on another shard waits in its own stream while the other one waits for its disk.
#[test]
fn a_consumer_that_pushes_to_a_slow_stream_holds_back_and_nothing_is_lost() {
    const MESSAGES: usize = 120;
    let most = Config { max_memory: 1 << 30, max_storage: 1 << 30, ..config() };
    let mut rig = Rig::on_disk_with(2, SimDisk::new(7), most);
    let client = rig.client("a");
    create(&mut rig, client, "X", "memory");
    create(&mut rig, client, "Y", "file");
    assert_eq!(rig.streams_by_shard(), [1, 1]);
    let body = "x".repeat(1 << 20);
    for _ in 0..MESSAGES {
        rig.publish(client, "X.x", &body);
    }
    rig.is_disk_slow = true;
    let pusher = r#"{"stream_name":"X","config":{"name":"P","deliver_subject":"Y.x","ack_policy":"none"}}"#;
    rig.ask(client, "CONSUMER.CREATE.X.P", pusher);
    rig.is_disk_slow = false;
    for _ in 0..100 {
        rig.wait(10);
    }
    let info = rig.ask(client, "STREAM.INFO.Y", "");
    assert!(info.contains(&format!(r#""messages":{MESSAGES},"#)), "{info}");
}
