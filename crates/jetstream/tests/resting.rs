//! An account that may have no streams any more, and then may again, while the server runs.

mod rig;

use std::sync::Arc;

use jetstream::Config;
use rig::{Conn, Rig, config};
use sim_disk::SimDisk;

const CONSUMER: &str =
    r#"{"stream_name":"F","config":{"durable_name":"C","name":"C","ack_policy":"explicit"}}"#;

fn reload(rig: &mut Rig, shards: usize, change: impl FnOnce(&mut Config)) {
    let files = jetstream::Files::Kept;
    let ledger = Arc::clone(&rig.ledger);
    let mut config = Config { files, ledger, ..config() };
    change(&mut config);
    let config = Arc::new(config);
    for shard in 0..shards {
        let (jetstream, broker, ..) = rig.jetstream(shard);
        jetstream.reconfigure(broker, Arc::clone(&config));
    }
    rig.settle();
}

fn off(rig: &mut Rig, shards: usize) {
    reload(rig, shards, |config| config.accounts.retain(|name, _| name != "A"));
}

fn on(rig: &mut Rig, shards: usize) {
    reload(rig, shards, |_| {});
}

fn create(rig: &mut Rig, client: Conn, name: &str, more: &str) -> String {
    let config = format!(r#"{{"name":"{name}","subjects":["{name}.>"]{more}}}"#);
    rig.ask(client, &format!("STREAM.CREATE.{name}"), &config)
}

/// Each client is on a shard of its own, and there are streams on all.
#[test]
fn streams_in_files_rest_and_go_on_and_those_in_memory_are_gone() {
    for shards in [1, 2] {
        let mut rig = Rig::on_disk(shards, SimDisk::new(7));
        let clients: Vec<Conn> = (0..shards).map(|_| rig.client("a")).collect();
        let (client, last) = (clients[0], clients[shards - 1]);
        let other = rig.client("b");
        assert!(create(&mut rig, client, "F", r#","max_age":3600000000000"#).contains("did_create"));
        assert!(create(&mut rig, client, "M", r#","storage":"memory""#).contains("did_create"));
        assert!(create(&mut rig, client, "G", "").contains("did_create"));
        assert!(create(&mut rig, other, "F", "").contains("did_create"));
        assert!(rig.ask(client, "CONSUMER.CREATE.F.C", CONSUMER).contains("num_pending"));
        for n in 1..=3 {
            assert!(rig.publish(last, "F.x", &format!("m{n}")).contains(&format!(r#""seq":{n}}}"#)));
        }
        rig.publish(client, "M.x", "m");
        let got = rig.say(last, "PUB $JS.API.CONSUMER.MSG.NEXT.F.C r.m 2\r\n10\r\n");
        assert_eq!(got.matches("$JS.ACK.F.C.1.").count(), 3, "{got}");

        off(&mut rig, shards);
        assert_eq!(rig.streams_shown(), 1, "but that of the other account");
        for client in &clients {
            assert!(rig.publish(*client, "F.x", "lost").contains("NATS/1.0 503"), "nobody takes it");
            assert!(rig.publish(*client, "M.x", "lost").contains("NATS/1.0 503"));
            for what in ["STREAM.INFO.F", "STREAM.NAMES", "CONSUMER.INFO.F.C", "INFO"] {
                let said = rig.ask(*client, what, "");
                assert!(said.contains(r#""err_code":10039"#), "{what}: {said}");
            }
            let said = rig.ask(*client, "CONSUMER.MSG.NEXT.F.C", "1");
            assert!(said.contains("NATS/1.0 503"), "{said}");
        }
        assert!(rig.publish(other, "F.x", "m").contains(r#""seq":1}"#), "the other account goes on");
        let query = monitor::HealthzQuery::default();
        let ailing = (0..shards).flat_map(|shard| rig.jetstream(shard).0.health(&query).ailing);
        assert_eq!(ailing.count(), 2, "as nats-server has it");
        // Neither messages nor acknowledgements have a time.
        rig.wait(1_800_000);
        assert_eq!(rig.shards.output(last), "");

        on(&mut rig, shards);
        let info = rig.ask(last, "STREAM.INFO.F", "");
        assert!(info.contains(r#""messages":3,"#) && info.contains(r#""consumer_count":1"#), "{info}");
        assert!(rig.ask(client, "STREAM.INFO.M", "").contains("10059"));
        assert!(rig.ask(client, "STREAM.NAMES", "").contains(r#""streams":["F","G"]"#));
        let account = rig.ask(client, "INFO", "");
        assert!(
            account.contains(r#""memory":0,"#) && account.contains(r#""streams":2,"consumers":1,"#),
            "{account}"
        );
        assert!(rig.publish(client, "F.x", "m4").contains(r#""seq":4}"#));
        let got = rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.F.C r.m 2\r\n10\r\n");
        assert_eq!(got.matches("$JS.ACK.F.C.2.").count(), 3, "they come again: {got}");
        assert!(got.contains("$JS.ACK.F.C.1.4."), "{got}");
        assert!(create(&mut rig, client, "M", r#","storage":"memory""#).contains("did_create"));
        rig.wait(1_900_000);
        let info = rig.ask(last, "STREAM.INFO.F", "");
        assert!(info.contains(r#""messages":1,"#), "they are too old: {info}");

        reload(&mut rig, shards, |config| {
            config.accounts.clear();
            config.is_off = true;
        });
        assert_eq!(rig.ask(last, "STREAM.INFO.F", ""), "", "nobody answers");
        assert!(rig.publish(other, "F.x", "lost").contains("NATS/1.0 503"));
        let mut rig = rig.restart(SimDisk::cut_power);
        let client = rig.client("a");
        let info = rig.ask(client, "STREAM.INFO.F", "");
        assert!(info.contains(r#""last_seq":4,"#), "{info}");
    }
}
