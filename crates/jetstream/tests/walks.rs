//! Whatever is asked of JetStream, no turn takes long, and streams that are not concerned go on.

mod rig;

use jetstream::{Config, JetStream};
use rig::{Conn, Rig, config};

/// Messages of a stream that is large for a test: to look at each takes some turns.
const MANY: usize = 24_000;

/// What a turn may do beyond its steps: it ends what it is at.
const LONGEST: u64 = JetStream::TURN_STEPS + 8_192;

const OTHER: &str = r#"{"name":"OTHER","subjects":["other"],"storage":"memory"}"#;

/// A stream `S` with that in its configuration, and one that nobody talks about.
fn with(more: &str) -> (Rig, Conn) {
    let mut rig = Rig::with(1, Config { max_memory: 1 << 30, ..config() });
    let client = rig.client("a");
    let stream = format!(r#"{{"name":"S","subjects":["s.>"],"storage":"memory","allow_direct":true{more}}}"#);
    assert!(rig.ask(client, "STREAM.CREATE.S", &stream).contains("did_create"));
    assert!(rig.ask(client, "STREAM.CREATE.OTHER", OTHER).contains("did_create"));
    (rig, client)
}

/// Publishes messages without waiting for answers.
fn fill(rig: &mut Rig, client: Conn, messages: usize, subject: impl Fn(usize) -> String) {
    for first in (0..messages).step_by(1_000) {
        let mut text = String::new();
        for number in first..messages.min(first + 1_000) {
            text.push_str(&format!("PUB {} 1\r\nx\r\n", subject(number)));
        }
        rig.say(client, &text);
    }
}

fn consumer(name: &str, more: &str) -> String {
    format!(r#"{{"stream_name":"S","config":{{"durable_name":"{name}","name":"{name}"{more}}}}}"#)
}

/// Asks, and has the other stream take a message while that goes on. What was answered, and whether the other one's
/// publisher was told before.
fn asked(rig: &mut Rig, client: Conn, asks: &str, body: &str) -> (String, usize) {
    (rig.longest, rig.turns) = (0, 0);
    let text = format!("PUB {asks} r.asked {}\r\n{body}\r\nPUB other r.other 1\r\nx\r\n", body.len());
    let said = rig.say(client, &text);
    assert!(rig.longest <= LONGEST, "a turn took {} steps: {asks}", rig.longest);
    assert!(said.contains("MSG r.other 1 "), "{said}");
    (said, rig.turns)
}

/// The same for what takes several turns: the other stream is not kept waiting.
#[track_caller]
fn asked_long(rig: &mut Rig, client: Conn, asks: &str, body: &str) -> String {
    let (said, turns) = asked(rig, client, asks, body);
    assert!(turns > 2, "{turns} turns: {asks}");
    let at = |what: &str| said.find(what).unwrap_or_else(|| panic!("{what}: {said}"));
    assert!(at("MSG r.other 1 ") < at("MSG r.asked 1 "), "the other stream was kept waiting: {asks}");
    said
}

fn publish(subject: &str, body: &str) -> String {
    format!("PUB {subject} r.a {}\r\n{body}\r\n", body.len())
}

fn api(what: &str) -> String {
    format!("$JS.API.{what}")
}

#[test]
fn a_purge_by_filter_is_seen_done_or_not_at_all() {
    let (mut rig, client) = with("");
    fill(&mut rig, client, MANY, |n| format!("s.{}.{n}", n % 2));
    // Whoever asks behind it waits for it.
    let asks = "PUB $JS.API.STREAM.PURGE.S r.asked 18\r\n{\"filter\":\"s.1.*\"}\r\n\
         PUB $JS.API.STREAM.INFO.S r.info 0\r\n\r\nPUB s.1.x r.put 1\r\nx\r\n\
         PUB $JS.API.DIRECT.GET.S r.got 9\r\n{\"seq\":2}\r\nPUB other r.other 1\r\nx\r\n";
    (rig.longest, rig.turns) = (0, 0);
    let said = rig.say(client, asks);
    assert!(rig.longest <= LONGEST && rig.turns > 4, "{} steps, {} turns", rig.longest, rig.turns);
    let at = |what: &str| said.find(what).unwrap_or_else(|| panic!("{what}: {said}"));
    assert!(at("MSG r.other 1 ") < at("MSG r.asked 1 "), "{said}");
    assert!(said.contains(&format!(r#""purged":{}"#, MANY / 2)), "{said}");
    let info = said.split("MSG ").find(|message| message.starts_with("r.info")).unwrap();
    let left = |more: usize| format!(r#""messages":{},"#, MANY / 2 + more);
    assert!(info.contains(&left(0)) || info.contains(&left(1)), "{info}");
    assert!(said.contains(&format!(r#""seq":{}}}"#, MANY + 1)) && said.contains("404"), "{said}");
}

#[test]
fn a_limit_that_is_lowered_takes_what_is_too_much_over_turns() {
    let (mut rig, client) = with("");
    fill(&mut rig, client, MANY, |n| format!("s.{}", n / 2));
    let update =
        r#"{"name":"S","subjects":["s.>"],"storage":"memory","allow_direct":true,"max_msgs_per_subject":1}"#;
    let said = asked_long(&mut rig, client, &api("STREAM.UPDATE.S"), update);
    assert!(said.contains(&format!(r#""messages":{},"#, MANY / 2)), "{said}");
    let update = update.replace('}', r#","max_msgs":7}"#);
    let said = asked_long(&mut rig, client, &api("STREAM.UPDATE.S"), &update);
    assert!(said.contains(r#""messages":7,"#), "{said}");
}

#[test]
fn very_many_messages_that_are_too_old_at_once_go_over_turns() {
    let (mut rig, client) = with(r#","max_age":1000000000,"duplicate_window":1000000000"#);
    fill(&mut rig, client, MANY, |n| format!("s.{n}"));
    (rig.longest, rig.turns) = (0, 0);
    rig.wait(2_000);
    assert!(rig.longest <= LONGEST && rig.turns > 4, "{} steps, {} turns", rig.longest, rig.turns);
    assert!(rig.ask(client, "STREAM.INFO.S", "").contains(r#""messages":0,"#));
}

/// Forwards what was stored is too old at once; back nothing goes wrong.
#[test]
fn a_clock_that_jumps_is_no_trouble() {
    let (mut rig, client) = with(r#","max_age":3600000000000"#);
    fill(&mut rig, client, 100, |n| format!("s.{n}"));
    rig.wall_offset = -7_200_000_000_000;
    assert!(rig.publish(client, "s.x", "x").contains(r#""seq":101"#));
    rig.wait(1_000);
    assert!(rig.ask(client, "STREAM.INFO.S", "").contains(r#""messages":101,"#));
    rig.wall_offset = 3_500_000_000_000;
    rig.wait(1_000);
    assert!(rig.ask(client, "STREAM.INFO.S", "").contains(r#""messages":101,"#));
    rig.wall_offset = 7_200_000_000_000;
    rig.wait(3_600_000);
    assert!(rig.ask(client, "STREAM.INFO.S", "").contains(r#""messages":0,"#));
}

/// Which one is the last of its subject then is looked for.
#[test]
fn the_last_message_of_a_subject_goes_over_turns() {
    let (mut rig, client) = with("");
    fill(&mut rig, client, 2, |_| "s.b".into());
    fill(&mut rig, client, 4 * MANY, |n| format!("s.a.{n}"));
    fill(&mut rig, client, 1, |_| "s.b".into());
    let last = 4 * MANY + 3;
    let said = asked_long(&mut rig, client, &api("STREAM.MSG.DELETE.S"), &format!(r#"{{"seq":{last}}}"#));
    assert!(said.contains("success"), "{said}");
    let said = rig.ask(client, "STREAM.MSG.GET.S", r#"{"last_by_subj":"s.b"}"#);
    assert!(said.contains(r#""seq":2,"#), "{said}");
}

#[test]
fn what_is_acknowledged_goes_over_turns_if_it_is_the_last_of_its_subject() {
    let (mut rig, client) = with(r#","retention":"interest""#);
    for (name, filter) in [("A", "s.a.>"), ("B", "s.b")] {
        let more = format!(r#","ack_policy":"explicit","filter_subject":"{filter}""#);
        rig.ask(client, &format!("CONSUMER.DURABLE.CREATE.S.{name}"), &consumer(name, &more));
    }
    fill(&mut rig, client, 2, |_| "s.b".into());
    fill(&mut rig, client, 4 * MANY, |n| format!("s.a.{n}"));
    fill(&mut rig, client, 1, |_| "s.b".into());
    let got = rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.B r.m 1\r\n3\r\n");
    let ack = last_ack(&got);
    (rig.longest, rig.turns) = (0, 0);
    rig.say(client, &format!("PUB {ack} r.ack 4\r\n+ACK\r\n"));
    assert!(rig.longest <= LONGEST && rig.turns > 2, "{} steps, {} turns", rig.longest, rig.turns);
    let said = rig.ask(client, "STREAM.MSG.GET.S", r#"{"last_by_subj":"s.b"}"#);
    assert!(said.contains(r#""seq":2,"#), "{said}");
}

#[test]
fn gets_count_and_look_over_turns() {
    let (mut rig, client) = with("");
    fill(&mut rig, client, 4 * MANY, |n| if n == 9 { "s.b.x".into() } else { format!("s.a.{n}") });
    let get = api("DIRECT.GET.S");
    let said = asked_long(&mut rig, client, &get, r#"{"seq":3,"batch":1,"next_by_subj":"s.*.*"}"#);
    assert!(said.contains(&format!("Nats-Num-Pending: {}", 4 * MANY - 3)), "{said}");
    let said = asked_long(&mut rig, client, &api("STREAM.MSG.GET.S"), r#"{"last_by_subj":"*.b.*"}"#);
    assert!(said.contains(r#""seq":10,"#), "{said}");
    let said = asked_long(&mut rig, client, &api("STREAM.MSG.GET.S"), r#"{"next_by_subj":"*.c.*"}"#);
    assert!(said.contains("10037"), "{said}");
    fill(&mut rig, client, 1, |_| "s.b.x".into());
    let lasts = format!(r#"{{"multi_last":["s.b.*"],"up_to_seq":{}}}"#, 4 * MANY);
    let said = asked_long(&mut rig, client, &get, &lasts);
    assert!(said.contains("Nats-Sequence: 10\r\n"), "{said}");
}

#[test]
fn subjects_are_told_over_turns() {
    let (mut rig, client) = with("");
    fill(&mut rig, client, 2 * MANY, |n| format!("s.{n}.{}", n % 2));
    let said = asked_long(&mut rig, client, &api("STREAM.INFO.S"), r#"{"subjects_filter":"s.*.1"}"#);
    assert!(said.contains(&format!(r#""total":{MANY},"#)), "{said}");
}

#[test]
fn sequences_without_messages_are_told_over_turns() {
    let (mut rig, client) = with("");
    fill(&mut rig, client, 2 * MANY, |n| format!("s.{}", n % 2));
    fill(&mut rig, client, 1, |_| "s.0".into());
    rig.ask(client, "STREAM.PURGE.S", r#"{"filter":"s.1"}"#);
    let asks = r#"{"deleted_details":true,"subjects_filter":"s.*"}"#;
    let said = asked_long(&mut rig, client, &api("STREAM.INFO.S"), asks);
    let gaps: String = (1..=MANY).map(|n| format!("{}{}", if n > 1 { "," } else { "" }, 2 * n)).collect();
    let state = format!(
        r#""subjects":{{"s.0":{}}},"num_deleted":{MANY},"deleted":[{gaps}],"consumer_count""#,
        MANY + 1
    );
    assert!(said.contains(&state), "{}", &said[..2_000]);
}

#[test]
fn streams_are_looked_for_over_turns() {
    let (mut rig, client) = with("");
    for n in 0..1_000 {
        let subjects: Vec<String> = (0..50).map(|m| format!("\"t.{n}.{m}\"")).collect();
        let config =
            format!(r#"{{"name":"T{n:03}","subjects":[{}],"storage":"memory"}}"#, subjects.join(","));
        assert!(rig.ask(client, &format!("STREAM.CREATE.T{n:03}"), &config).contains("did_create"));
    }
    let names = |rig: &mut Rig, body: &str| asked_long(rig, client, &api("STREAM.NAMES"), body);
    let said = names(&mut rig, r#"{"subject":"t.*.7"}"#);
    assert!(said.contains(r#""total":1000,"offset":0,"limit":1024,"streams":["T000","T001","#), "{said}");
    let said = names(&mut rig, r#"{"subject":"t.*.7","offset":998}"#);
    assert!(said.contains(r#""total":1000,"offset":998,"limit":1024,"streams":["T998","T999"]"#), "{said}");
    let said = asked_long(&mut rig, client, &api("STREAM.LIST"), r#"{"subject":"t.500.*"}"#);
    assert!(said.contains(r#""total":1,"#) && said.contains(r#""name":"T500""#), "{said}");
}

#[test]
fn filters_of_a_work_queue_are_compared_over_turns() {
    let (mut rig, client) = with(r#","retention":"workqueue""#);
    let filters = |n: usize| {
        let filters: Vec<String> = (0..250).map(|m| format!("\"s.{n}.{m}\"")).collect();
        format!(r#","ack_policy":"explicit","filter_subjects":[{}]"#, filters.join(","))
    };
    let create = |n: usize| api(&format!("CONSUMER.DURABLE.CREATE.S.C{n}"));
    rig.say(client, &publish(&create(0), &consumer("C0", &filters(0))));
    let said = asked_long(&mut rig, client, &create(1), &consumer("C1", &filters(1)));
    assert!(said.contains(r#""name":"C1""#), "{said}");
    let clashes = filters(2).replace(r#""s.2.249""#, r#""s.1.249""#);
    let said = asked_long(&mut rig, client, &create(2), &consumer("C2", &clashes));
    assert!(said.contains("10100"), "{said}");
}

#[test]
fn what_a_publisher_expects_of_many_subjects_is_looked_for_over_turns() {
    let (mut rig, client) = with("");
    fill(&mut rig, client, MANY, |n| if n == 9 { "s.b.x".into() } else { format!("s.a.{n}") });
    for (expected, said) in
        [(10, format!(r#""seq":{}}}"#, MANY + 1)), (10, "10071".into()), (11, "10071".into())]
    {
        let header = format!(
            "NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: {expected}\r\n\
             Nats-Expected-Last-Subject-Sequence-Subject: *.b.*\r\n\r\n"
        );
        let subject = if said == "10071" { "s.a.x" } else { "s.b.y" };
        let publish =
            format!("HPUB {subject} r.asked {} {}\r\n{header}x\r\n", header.len(), header.len() + 1);
        (rig.longest, rig.turns) = (0, 0);
        let got = rig.say(client, &format!("{publish}PUB other r.other 1\r\nx\r\n"));
        assert!(got.contains(&said) && rig.longest <= LONGEST, "{} steps: {got}", rig.longest);
        let at = |what: &str| got.find(what).unwrap();
        // The first has to look among all; then the newest message is the one.
        let is_long = at("MSG r.other 1 ") < at("MSG r.asked 1 ");
        assert_eq!(is_long, rig.turns > 2, "{} turns: {got}", rig.turns);
        assert_eq!(is_long, expected == 10 && said != "10071", "{got}");
    }
}

#[test]
fn consumers_count_what_is_before_them_over_turns() {
    let (mut rig, client) = with("");
    fill(&mut rig, client, 2 * MANY, |n| format!("s.a.{n}"));
    let create = |name: &str| api(&format!("CONSUMER.DURABLE.CREATE.S.{name}"));
    let by_seq = r#","deliver_policy":"by_start_sequence","opt_start_seq":3,"filter_subject":"s.*.*""#;
    let said = asked_long(&mut rig, client, &create("C"), &consumer("C", by_seq));
    assert!(said.contains(&format!(r#""num_pending":{}"#, 2 * MANY - 2)), "{said}");
    let lasts = r#","deliver_policy":"last_per_subject","filter_subject":"s.*.*""#;
    let said = asked_long(&mut rig, client, &create("L"), &consumer("L", lasts));
    assert!(said.contains(&format!(r#""num_pending":{}"#, 2 * MANY)), "{said}");
    let said = asked_long(&mut rig, client, &api("CONSUMER.RESET.S.C"), r#"{"seq":5}"#);
    assert!(said.contains(r#""reset_seq":5"#), "{said}");
    let other = by_seq.replace("s.*.*", "*.*.*");
    let said = asked_long(&mut rig, client, &create("C"), &consumer("C", &other));
    assert!(said.contains(&format!(r#""num_pending":{}"#, 2 * MANY - 4)), "{said}");
}

#[test]
fn a_list_of_consumers_that_have_to_count_is_made_over_turns() {
    let (mut rig, client) = with("");
    for n in 0..20 {
        let made = rig.ask(
            client,
            &format!("CONSUMER.DURABLE.CREATE.S.C{n}"),
            &consumer(
                &format!("C{n}"),
                r#","deliver_policy":"by_start_sequence","opt_start_seq":2,"filter_subject":"s.*.*""#,
            ),
        );
        assert!(made.contains("num_pending"), "{made}");
    }
    fill(&mut rig, client, MANY, |n| format!("s.a.{n}"));
    let said = asked_long(&mut rig, client, &api("CONSUMER.LIST.S"), "");
    assert_eq!(said.matches(&format!(r#""num_pending":{}"#, MANY - 1)).count(), 20, "{said}");
}

#[test]
fn what_only_one_consumer_needed_goes_over_turns_when_it_goes() {
    let (mut rig, client) = with(r#","retention":"interest""#);
    for (name, filter) in [("A", "s.a.*"), ("B", "s.b.*")] {
        let more = format!(r#","ack_policy":"explicit","filter_subject":"{filter}""#);
        rig.ask(client, &format!("CONSUMER.DURABLE.CREATE.S.{name}"), &consumer(name, &more));
    }
    fill(&mut rig, client, MANY, |n| format!("s.{}.{n}", ["a", "b"][n % 2]));
    let said = asked_long(&mut rig, client, &api("CONSUMER.DELETE.S.A"), "");
    assert!(said.contains("success"), "{said}");
    let info = rig.ask(client, "STREAM.INFO.S", "");
    assert!(info.contains(&format!(r#""messages":{},"#, MANY / 2)), "{info}");
    let other = r#","ack_policy":"explicit","filter_subject":"s.c.*""#;
    asked_long(&mut rig, client, &api("CONSUMER.DURABLE.CREATE.S.B"), &consumer("B", other));
    assert!(rig.ask(client, "STREAM.INFO.S", "").contains(r#""messages":0,"#));
}

/// The subject of the last acknowledgement that is asked for.
fn last_ack(said: &str) -> String {
    said.split([' ', '\r']).rfind(|word| word.starts_with("$JS.ACK.")).unwrap().to_owned()
}

/// While it looks for that others let go of nothing: whatever comes in between, what they were done with goes afterwards.
#[test]
fn what_was_kept_for_a_consumer_that_looks_where_it_is_goes_once_it_knows() {
    let (mut rig, client) = with(r#","retention":"interest","allow_rollup_hdrs":true"#);
    let lasts = r#","ack_policy":"explicit","deliver_policy":"last_per_subject","filter_subject":"s.*.*""#;
    for (name, filter) in [("D", "s.b.*"), ("E", "s.a.*")] {
        let more = format!(r#","ack_policy":"explicit","filter_subject":"{filter}""#);
        rig.ask(client, &format!("CONSUMER.DURABLE.CREATE.S.{name}"), &consumer(name, &more));
    }
    fill(&mut rig, client, MANY, |n| format!("s.a.{n}"));
    let header = "NATS/1.0\r\nNats-Rollup: sub\r\n\r\n";
    let rollup = format!("HPUB s.a.7 {} {}\r\n{header}x\r\n", header.len(), header.len() + 1);
    for turns in (0..16).step_by(2) {
        fill(&mut rig, client, 2, |_| format!("s.b.{turns}"));
        // It wants the last one of each subject that there is.
        rig.ask(client, "CONSUMER.DURABLE.CREATE.S.C", &consumer("C", lasts));
        let got = rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.D r.m 1\r\n2\r\n");
        let acks: Vec<&str> = got.split([' ', '\r']).filter(|word| word.starts_with("$JS.ACK.")).collect();
        let [first, second] = acks[..] else { panic!("{got}") };
        let seq: u64 = first.split('.').nth(5).unwrap().parse().unwrap();
        rig.shards.feed(client, "PUB $JS.API.CONSUMER.RESET.S.C r.reset 0\r\n\r\n");
        let mut some_turns = |text: &str, turns: usize| {
            rig.shards.feed(client, text);
            for _ in 0..turns {
                rig.shards.settle();
                rig.turn();
            }
        };
        some_turns("", turns);
        some_turns(&rollup, 2);
        some_turns(&format!("PUB {first} r.ack 4\r\n+ACK\r\n"), 1);
        rig.settle();
        let said = rig.shards.output(client);
        assert!(said.contains("reset_seq"), "{said}");
        let gone = rig.ask(client, "STREAM.MSG.GET.S", &format!(r#"{{"seq":{seq}}}"#));
        assert!(gone.contains("10037"), "{turns} turns: {gone}");
        rig.say(client, &format!("PUB {second} r.ack 4\r\n+ACK\r\n"));
        rig.ask(client, "CONSUMER.DELETE.S.C", "");
    }
}

#[test]
fn an_acknowledgement_of_very_many_takes_them_out_over_turns() {
    let (mut rig, client) = with(r#","retention":"interest""#);
    let more = r#","ack_policy":"all","max_ack_pending":-1"#;
    rig.ask(client, "CONSUMER.DURABLE.CREATE.S.C", &consumer("C", more));
    fill(&mut rig, client, MANY, |n| format!("s.{n}"));
    let got = rig.say(client, &format!("PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m 5\r\n{MANY}\r\n"));
    assert_eq!(got.matches("$JS.ACK.S.C.1.").count(), MANY);
    (rig.longest, rig.turns) = (0, 0);
    let ack = last_ack(&got);
    let said = rig.say(client, &format!("PUB {ack} r.ack 4\r\n+ACK\r\nPUB other r.other 1\r\nx\r\n"));
    assert!(rig.longest <= LONGEST && rig.turns > 4, "{} steps, {} turns", rig.longest, rig.turns);
    assert!(said.contains("MSG r.ack 1 ") && said.contains("MSG r.other 1 "), "{said}");
    assert!(rig.ask(client, "STREAM.INFO.S", "").contains(r#""messages":0,"#));
}

#[test]
fn messages_that_nobody_acknowledges_come_again_over_turns() {
    let (mut rig, client) = with("");
    let more = r#","ack_policy":"explicit","max_ack_pending":-1,"ack_wait":1000000000,"max_deliver":1"#;
    rig.ask(client, "CONSUMER.DURABLE.CREATE.S.C", &consumer("C", more));
    fill(&mut rig, client, MANY, |n| format!("s.{n}"));
    rig.say(client, &format!("PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m 5\r\n{MANY}\r\n"));
    (rig.longest, rig.turns) = (0, 0);
    rig.wait(2_000);
    assert!(rig.longest <= LONGEST && rig.turns > 4, "{} steps, {} turns", rig.longest, rig.turns);
    let info = rig.ask(client, "CONSUMER.INFO.S.C", "");
    assert!(info.contains(r#""num_ack_pending":0"#), "{info}");
}

/// A thousand consumers, each with somebody who waits.
fn crowd(rig: &mut Rig, client: Conn, consumers: usize) {
    for n in 0..consumers {
        let name = format!("C{n}");
        rig.ask(
            client,
            &format!("CONSUMER.DURABLE.CREATE.S.{name}"),
            &consumer(&name, r#","ack_policy":"none""#),
        );
    }
}

#[test]
fn a_stream_with_very_many_consumers_is_deleted_over_turns() {
    let (mut rig, client) = with("");
    crowd(&mut rig, client, 1_000);
    for n in 0..1_000 {
        rig.say(client, &format!("PUB $JS.API.CONSUMER.MSG.NEXT.S.C{n} r.m.{n} 1\r\n1\r\n"));
    }
    let said = asked_long(&mut rig, client, &api("STREAM.DELETE.S"), "");
    assert!(said.contains("success") && said.matches("409 Consumer Deleted").count() == 1_000, "{said}");
    assert!(rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S","storage":"memory"}"#).contains("did_create"));
}

#[test]
fn very_many_who_wait_for_a_consumer_are_told_over_turns_that_it_is_gone() {
    let (mut rig, client) = with("");
    let more = format!(r#","ack_policy":"none","max_waiting":{MANY}"#);
    rig.ask(client, "CONSUMER.DURABLE.CREATE.S.C", &consumer("C", &more));
    for first in (0..MANY).step_by(1_000) {
        let ask = |n| format!("PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m.{n} 1\r\n1\r\n");
        rig.say(client, &(first..first + 1_000).map(ask).collect::<String>());
    }
    assert!(rig.ask(client, "CONSUMER.INFO.S.C", "").contains(&format!(r#""num_waiting":{MANY}"#)));
    let (said, turns) = asked(&mut rig, client, &api("CONSUMER.DELETE.S.C"), "");
    assert!(turns > 4, "{turns}");
    assert_eq!(said.matches("409 Consumer Deleted").count(), MANY);
}

#[test]
fn very_many_consumers_learn_of_a_purge_over_turns() {
    let (mut rig, client) = with("");
    crowd(&mut rig, client, 4_000);
    fill(&mut rig, client, 10, |n| format!("s.{n}"));
    let said = asked_long(&mut rig, client, &api("STREAM.PURGE.S"), "");
    assert!(said.contains(r#""purged":10"#), "{said}");
    assert!(rig.ask(client, "CONSUMER.INFO.S.C3999", "").contains(r#""num_pending":0,"#));
}

/// They have never been asked for anything, and are not asked by what comes and goes.
#[test]
fn consumers_that_rest_cost_nothing_when_messages_give_way() {
    let (mut rig, client) = with(r#","max_msgs":10"#);
    fill(&mut rig, client, 10, |n| format!("s.{n}"));
    crowd(&mut rig, client, 1_000);
    fill(&mut rig, client, 10, |n| format!("s.{n}"));
    (rig.longest, rig.turns) = (0, 0);
    fill(&mut rig, client, 20, |n| format!("s.{n}"));
    assert!(rig.longest < 4_000, "{} steps for twenty messages", rig.longest);
    let info = rig.ask(client, "CONSUMER.INFO.S.C7", "");
    assert!(info.contains(r#""num_pending":10,"#), "{info}");
    let got = rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C7 r.m 2\r\n99\r\n");
    assert_eq!(got.matches("$JS.ACK.S.C7.").count(), 10, "{got}");
}

/// As many as may wait are answered; the others are dropped, and the system account is told.
#[test]
fn a_flood_of_requests_is_answered_up_to_a_bound() {
    let (mut rig, client) = with("");
    fill(&mut rig, client, 8 * MANY, |n| format!("s.{n}"));
    let listens = rig.client("s");
    rig.say(listens, "SUB $JS.EVENT.ADVISORY.API.LIMIT_REACHED r.limit\r\n");
    // A walk keeps those waiting that are about the same stream.
    let body = r#"{"subjects_filter":"*.nil"}"#;
    let mut text = format!("PUB $JS.API.STREAM.INFO.S r.first {}\r\n{body}\r\n", body.len());
    for _ in 0..12_000 {
        text.push_str("PUB $JS.API.STREAM.INFO.S r.all 0\r\n\r\n");
    }
    (rig.longest, rig.turns) = (0, 0);
    let said = rig.say(client, &text);
    assert!(rig.longest <= LONGEST, "{} steps", rig.longest);
    let answered = said.matches("MSG r.all 1 ").count();
    assert!((9_990..12_000).contains(&answered), "{answered} of 12000");
    rig.wait(1_001);
    let told = rig.shards.output(listens);
    assert!(told.contains("api_limit_reached") && told.contains(r#""dropped":"#), "{told}");
    assert!(rig.ask(client, "STREAM.INFO.S", "").contains(r#""name":"S""#), "it goes on");
}

#[test]
fn very_many_consumers_that_push_learn_over_turns_who_listens() {
    let (mut rig, client) = with("");
    for n in 0..2_000 {
        let config =
            format!(r#"{{"stream_name":"S","config":{{"name":"P{n}","deliver_subject":"r.push.{n}"}}}}"#);
        rig.ask(client, &format!("CONSUMER.CREATE.S.P{n}"), &config);
    }
    (rig.longest, rig.turns) = (0, 0);
    rig.say(client, "SUB elsewhere 77\r\n");
    assert!(rig.longest <= 256 * 20 && rig.turns >= 7, "{} steps, {} turns", rig.longest, rig.turns);
    fill(&mut rig, client, 1, |_| "s.x".into());
    assert_eq!(rig.shards.output(client).matches("MSG s.x 1 $JS.ACK.S.P").count(), 0, "all was read");
    let info = rig.ask(client, "CONSUMER.INFO.S.P1999", "");
    assert!(info.contains(r#""push_bound":true"#), "{info}");
}
