//! Requests and their answers, through a broker.

#[path = "../../broker/tests/shards/mod.rs"]
mod shards;

use std::collections::BTreeMap;
use std::sync::Arc;

use broker::Broker;
use fabric::ShardId;
use monitor::{AccountRow, Facts, Moment, ShardTotals, Varz};
use nats_auth::{AccountConfig, Config, Directory, IdentityConfig, Permissions, SubjectPermission, User};
use shards::{Conn, Shards};
use system::{INQUIRIES_MAX, Inquiry, InquiryKind, ServerIdentity, Statsz, System, SystemEvent};

/// Shards, and the system's service on each.
struct Rig {
    shards: Shards,
    systems: Vec<System>,
    server: Arc<ServerIdentity>,
}

fn user(name: &str, may_publish: Option<&str>) -> User {
    let publish =
        may_publish.map(|filter| SubjectPermission { allow: vec![filter.to_owned()], deny: Vec::new() });
    User {
        identity: IdentityConfig::Password { user: name.into(), password: "x".into() },
        permissions: publish.map(|publish| Permissions { publish: Some(publish), ..Permissions::default() }),
        allowed_connection_types: None,
    }
}

/// `a` and `b`, who may publish to `x.>` only, in `A`; `s` in the system account.
fn config() -> Config {
    let account = |name: &str, users| AccountConfig { name: name.into(), users, ..AccountConfig::default() };
    let accounts = vec![
        account("A", vec![user("a", None), user("b", Some("x.>"))]),
        account("$SYS", vec![user("s", None)]),
    ];
    Config { accounts, ..Config::default() }
}

impl Rig {
    fn new(shards: usize) -> Self {
        Self::with(shards, &config())
    }

    fn with(shards: usize, config: &Config) -> Self {
        let directory = Directory::new(config).unwrap();
        let mut shards = Shards::with(shards, |settings| settings.directory = directory);
        let server =
            Arc::new(ServerIdentity { name: "S".into(), id: "NID".into(), ..ServerIdentity::default() });
        let open = |(shard, broker): (usize, &mut Broker)| {
            System::open(broker, ShardId(shard as u8), Arc::clone(&server))
        };
        let systems = shards.brokers.iter_mut().enumerate().map(open).collect();
        Self { shards, systems, server }
    }

    /// A client that listens to `r`.
    fn client(&mut self, user: &str) -> Conn {
        let options = format!(
            r#""verbose":false,"pedantic":false,"headers":true,"no_responders":true,"user":"{user}","pass":"x""#
        );
        let conn = self.shards.connect(&options);
        self.shards.feed(conn, "SUB r 1\r\n");
        self.shards.settle();
        conn
    }

    /// Has the services look after what there is, once.
    fn turn(&mut self) -> Vec<Inquiry> {
        let mut inquiries = Vec::new();
        for (broker, system) in self.shards.brokers.iter_mut().zip(&mut self.systems) {
            broker.take_ready_services(&mut Vec::new());
            system.on_turn(broker, Moment(0));
            inquiries.extend(system.take_inquiries());
        }
        inquiries
    }

    fn answer(&mut self, inquiry: Inquiry) {
        let shard = inquiry.shard.index();
        let totals = ShardTotals { connections: 7, ..ShardTotals::default() };
        let reply = Some(match &inquiry.about {
            InquiryKind::Healthz(query) => {
                let status = query.status(true, None);
                inquiry.answer(Moment(0), &status)
            }
            InquiryKind::Statsz => inquiry.answer_statsz(Moment(0), &Statsz { totals, ..Statsz::default() }),
            InquiryKind::Varz => {
                let facts = Facts {
                    server: monitor::ServerFacts {
                        server_id: "NID".into(),
                        ..monitor::ServerFacts::default()
                    },
                    ..Facts::default()
                };
                let http_req_stats = BTreeMap::new();
                let (now, facts, http_req_stats) = (Moment(0), &facts, &http_req_stats);
                inquiry.answer(
                    now,
                    &Varz { facts, now, mem: 0, cpu: 0.0, totals, jetstream: None, http_req_stats },
                )
            }
            InquiryKind::Jsz(query) => {
                let limit = query.limit;
                inquiry.answer(Moment(0), &limit)
            }
            InquiryKind::AccountJsz(account, _) => {
                let why = format!("account {account}");
                inquiry.refuse(Moment(0), why)
            }
            InquiryKind::Subscribers(query) => {
                let count = query.account.len();
                inquiry.answer_count(count)
            }
            InquiryKind::Conns(account) | InquiryKind::ConnsEvent(account) => {
                let row = AccountRow { name: account.clone(), connections: 2, ..AccountRow::default() };
                inquiry.answer_conns(Moment(0), &row)
            }
            about => {
                let about = format!("{about:?}");
                inquiry.answer(Moment(0), &about)
            }
        });
        self.systems[shard].on_event(&mut self.shards.brokers[shard], SystemEvent::Answered(reply));
    }

    /// What the client is sent for what it says, once all was done that follows from it.
    fn say(&mut self, conn: Conn, text: &str) -> String {
        self.shards.feed(conn, text);
        self.settle();
        self.shards.output(conn)
    }

    fn settle(&mut self) {
        self.shards.settle();
        loop {
            let inquiries = self.turn();
            let is_over = inquiries.is_empty() && !self.systems.iter().any(System::has_work_left);
            inquiries.into_iter().for_each(|inquiry| self.answer(inquiry));
            self.shards.settle();
            if is_over {
                return;
            }
        }
    }

    fn ask(&mut self, conn: Conn, what: &str) -> String {
        self.say(conn, &format!("PUB $SYS.REQ.{what} r 0\r\n\r\n"))
    }
}

#[test]
fn a_user_learns_who_it_is_and_what_it_may_do() {
    for shards in [1, 3] {
        let mut rig = Rig::new(shards);
        for (name, account) in [("a", "A"), ("s", "$SYS"), ("a", "A")] {
            let client = rig.client(name);
            let said = rig.ask(client, "USER.INFO");
            let data =
                format!(r#""data":{{"user":"{name}","account":"{account}","account_name":"{account}"}}}}"#);
            assert!(said.starts_with("MSG r 1 ") && said.ends_with(&format!("{data}\r\n")), "{said}");
        }
    }
}

/// As in nats-server 2.14.5.
#[test]
fn who_may_not_publish_there_is_not_answered() {
    let mut rig = Rig::new(1);
    let client = rig.client("b");
    let said = rig.ask(client, "USER.INFO");
    assert_eq!(said, "-ERR 'Permissions Violation for Publish to \"$SYS.REQ.USER.INFO\"'\r\n");
}

#[test]
fn only_the_system_account_asks_how_the_server_is() {
    let mut rig = Rig::new(2);
    let (other, system) = (rig.client("a"), rig.client("s"));
    for what in ["SERVER.PING", "SERVER.PING.STATSZ", "SERVER.NID.STATSZ"] {
        let said = rig.ask(system, what);
        assert!(said.contains(r#"},"statsz":{"#) && said.contains(r#""connections":7,"#), "{said}");
        assert!(rig.ask(other, what).contains("503"));
    }
    let said = rig.ask(system, "SERVER.PING.VARZ");
    assert!(
        said.contains(r#"},"data":{"server_id":"NID","#) && said.contains(r#""connections":7,"#),
        "{said}"
    );
    assert!(rig.ask(system, "SERVER.NID.HEALTHZ").contains(r#""data":{"status":"ok","status_code":200}}"#));
    let id = "MSG r 1 33\r\n{\"name\":\"S\",\"host\":\"\",\"id\":\"NID\"}\r\n";
    assert_eq!(rig.ask(system, "SERVER.PING.IDZ"), id);
    assert!(rig.ask(other, "SERVER.PING.IDZ").contains("503"));
    assert!(rig.ask(system, "SERVER.PING.NOPE").contains("503"));
    assert!(rig.ask(system, "SERVER.PING.JSZ").contains(r#"},"data":0}"#));
    let refused = r#"},"data":null,"error":{"code":500,"description":"account X"}}"#;
    assert!(rig.ask(system, "ACCOUNT.X.JSZ").contains(refused));
    assert!(rig.ask(system, "SERVER.PING.EXPVARZ").contains(r#""error":{"code":501,"#));
}

/// As nats-server 2.14.5 maps and refuses them.
#[test]
fn an_account_learns_of_itself_alone() {
    let mut rig = Rig::new(2);
    let (other, system) = (rig.client("a"), rig.client("s"));
    let of_account = r#"account: Some(\"A\")"#;
    for what in ["SERVER.PING.CONNZ", "ACCOUNT.PING.CONNZ"] {
        assert!(rig.ask(other, what).contains(of_account));
        let said = rig.say(other, &format!("PUB $SYS.REQ.{what} r 11\r\n{{\"acc\":\"B\"}}\r\n"));
        assert!(said.contains(of_account), "{said}");
    }
    assert!(rig.ask(other, "ACCOUNT.PING.STATZ").contains(r#"accounts: [\"A\"], unused: false"#));
    for what in ["ACCOUNT.A.CONNZ", "ACCOUNT.A.STATZ", "ACCOUNT.PING.SUBSZ", "ACCOUNT.A.INFO"] {
        assert!(rig.ask(other, what).contains("503"), "{what}");
    }
    assert!(rig.ask(system, "ACCOUNT.A.CONNZ").contains(of_account));
    assert!(rig.ask(system, "ACCOUNT.A.SUBSZ").contains(of_account));
    assert!(rig.ask(system, "SERVER.PING.CONNZ").contains("account: None"));
    assert!(rig.ask(system, "ACCOUNT.PING.STATZ").contains("accounts: [], unused: false"));
    assert!(rig.ask(system, "ACCOUNT.A.CONNS").contains(r#""acc":"A","name":"A","conns":2,"#));
    let refused = r#""data":null,"error":{"code":500,"description":"invalid sorting option: x"}}"#;
    let said = rig.say(system, "PUB $SYS.REQ.SERVER.PING.CONNZ r 12\r\n{\"sort\":\"x\"}\r\n");
    assert!(said.contains(refused), "{said}");
    assert_eq!(rig.say(system, "PUB $SYS.DEBUG.SUBSCRIBERS r 3\r\nx.>\r\n"), "MSG r 1 1\r\n4\r\n");
}

#[test]
fn answers_are_packed_for_those_who_accept_it() {
    let mut rig = Rig::new(1);
    let system = rig.client("s");
    let mut asks = |accepted: &str| {
        let headers = format!("NATS/1.0\r\nAccept-Encoding: {accepted}\r\n\r\n");
        let len = headers.len();
        let request = format!("HPUB $SYS.REQ.SERVER.PING.LEAFZ r {len} {len}\r\n{headers}\r\n");
        rig.say(system, &request)
    };
    assert!(asks("br").contains("Content-Encoding: identity\r\n\r\n{\"server\":"));
}

#[test]
fn who_listens_to_requests_has_its_copy() {
    let mut rig = Rig::new(2);
    let (asks, listens) = (rig.client("a"), rig.client("a"));
    rig.say(listens, "SUB $SYS.> 9\r\n");
    assert!(rig.ask(asks, "USER.INFO").contains(r#""user":"a""#));
    assert!(rig.shards.output(listens).contains("MSG $SYS.REQ.USER.INFO 9 r 0\r\n"));
}

#[test]
fn without_a_reply_the_server_tells_all_who_listen_to_it() {
    let mut rig = Rig::new(1);
    let client = rig.client("s");
    rig.say(client, "SUB $SYS.SERVER.*.STATSZ 9\r\n");
    let said = rig.say(client, "PUB $SYS.REQ.SERVER.PING 0\r\n\r\nPUB $SYS.REQ.SERVER.PING.IDZ 0\r\n\r\n");
    assert_eq!(said.matches("MSG $SYS.SERVER.NID.STATSZ 9").count(), 1);
    assert_eq!(said.matches("MSG").count(), 1);
}

/// What nobody listens to is not even found out.
#[test]
fn how_the_server_is_is_told_unasked_where_somebody_listens() {
    let mut rig = Rig::new(2);
    let client = rig.client("s");
    let beat = |rig: &mut Rig| rig.systems[0].on_event(&mut rig.shards.brokers[0], SystemEvent::Beat);
    beat(&mut rig);
    assert!(rig.turn().is_empty());
    rig.say(client, "SUB $SYS.SERVER.*.STATSZ 9\r\n");
    beat(&mut rig);
    rig.settle();
    assert_eq!(rig.shards.output(client).matches("MSG $SYS.SERVER.NID.STATSZ 9").count(), 1);
}

/// Who is in the system account and listens to none of it costs no more than a look.
#[test]
fn clients_are_told_of_where_somebody_listens() {
    for shards in [1, 3] {
        let mut rig = Rig::new(shards);
        let system = rig.client("s");
        rig.client("a");
        rig.settle();
        assert_eq!(rig.shards.output(system), "");
        rig.say(system, "SUB $SYS.ACCOUNT.> 9\r\nSUB $SYS.SERVER.ACCOUNT.> 8\r\n");
        rig.client("a");
        rig.settle();
        let told = rig.shards.output(system);
        assert_eq!(told.matches("MSG $SYS.ACCOUNT.A.CONNECT 9").count(), 1, "{told}");
        assert_eq!(told.matches("MSG $SYS.ACCOUNT.A.SERVER.CONNS 9").count(), 1, "{told}");
        assert_eq!(told.matches("MSG $SYS.SERVER.ACCOUNT.A.CONNS 8").count(), 1, "{told}");
        let event = SystemEvent::LameDuck(Moment(0));
        rig.say(system, "SUB $SYS.SERVER.NID.* 7\r\n");
        rig.systems[0].on_event(&mut rig.shards.brokers[0], event);
        rig.settle();
        let told = rig.shards.output(system);
        assert!(
            told.contains("MSG $SYS.SERVER.NID.LAMEDUCK 7") && told.contains(r#"{"name":"S","host""#),
            "{told}"
        );
    }
}

/// An answer that is a request itself would go round for ever.
#[test]
fn an_answer_to_where_requests_go_ends_there() {
    let mut rig = Rig::new(1);
    let client = rig.client("s");
    for what in ["SERVER.PING.IDZ", "USER.INFO", "SERVER.PING"] {
        assert_eq!(rig.say(client, &format!("PUB $SYS.REQ.SERVER.PING.IDZ $SYS.REQ.{what} 0\r\n\r\n")), "");
    }
}

#[test]
fn without_a_system_account_nobody_answers() {
    let users = vec![user("a", None)];
    let accounts = vec![AccountConfig { name: "A".into(), users, ..AccountConfig::default() }];
    let mut rig = Rig::with(1, &Config { accounts, no_system_account: true, ..Config::default() });
    let client = rig.client("a");
    assert!(rig.ask(client, "USER.INFO").contains("503"));
}

#[test]
fn a_system_account_that_comes_with_a_reload_is_heeded() {
    let before = Config {
        accounts: vec![AccountConfig {
            name: "A".into(),
            users: vec![user("a", None)],
            ..AccountConfig::default()
        }],
        no_system_account: true,
        ..Config::default()
    };
    let mut rig = Rig::with(1, &before);
    let client = rig.client("a");
    let after = Config { no_system_account: true, ..config() };
    let next = Directory::next(&rig.shards.brokers[0].settings().directory, &after).unwrap();
    rig.shards.reconfigure(|settings| settings.directory = next);
    let server = Arc::new(ServerIdentity { tags: vec!["t".into()], ..ServerIdentity::clone(&rig.server) });
    rig.systems[0].on_event(&mut rig.shards.brokers[0], SystemEvent::Reconfigured(server));
    assert!(rig.ask(client, "USER.INFO").contains(r#""tags":["t"]"#));
    let system = rig.client("s");
    assert!(rig.ask(system, "SERVER.PING.IDZ").contains("NID"));
}

/// What one client asks at once: more than is answered in a turn, and more than is found out at a time.
#[test]
fn all_that_is_asked_is_answered_in_its_turn() {
    const REQUESTS: usize = 1000;
    let mut rig = Rig::new(1);
    let client = rig.client("s");
    rig.shards.feed(client, &"PUB $SYS.REQ.USER.INFO r 0\r\n\r\n".repeat(REQUESTS));
    rig.shards.settle();
    rig.turn();
    let first = rig.shards.output(client).matches("MSG r 1").count();
    assert!((1..100).contains(&first), "{first} at once");
    rig.settle();
    assert_eq!(first + rig.shards.output(client).matches("MSG r 1").count(), REQUESTS);
    rig.shards.feed(client, &"PUB $SYS.REQ.SERVER.PING r 0\r\n\r\n".repeat(REQUESTS));
    rig.shards.settle();
    assert_eq!(rig.turn().len(), INQUIRIES_MAX);
}

#[test]
fn accounts_that_change_leave_room_for_who_asks() {
    let account = |number: usize| AccountConfig {
        name: format!("X{number}"),
        users: vec![user(&format!("x{number}"), None)],
        ..AccountConfig::default()
    };
    let mut accounts = config().accounts;
    accounts.extend((0..INQUIRIES_MAX).map(account));
    let mut rig = Rig::with(1, &Config { accounts, ..Config::default() });
    let system = rig.client("s");
    rig.say(system, "SUB $SYS.ACCOUNT.*.SERVER.CONNS 9\r\n");
    for number in 0..INQUIRIES_MAX {
        rig.client(&format!("x{number}"));
    }
    rig.shards.feed(system, "PUB $SYS.REQ.SERVER.PING r 0\r\n\r\n");
    rig.shards.settle();
    let inquiries = rig.turn();
    assert!(inquiries.iter().any(|inquiry| inquiry.about == InquiryKind::Statsz));
    assert!(!rig.systems[0].has_work_left(), "until an answer comes");
    inquiries.into_iter().for_each(|inquiry| rig.answer(inquiry));
    assert!(rig.systems[0].has_work_left());
    rig.settle();
    let told = rig.shards.output(system);
    assert_eq!(told.matches(".SERVER.CONNS 9 ").count(), INQUIRIES_MAX, "{told}");
    assert!(told.contains(r#"},"statsz":{"#), "{told}");
}

/// All that had come was read in one turn, which took it as long as there was of it.
#[test]
fn a_turn_reads_so_much_and_those_who_want_no_answer_hold_up_nobody() {
    const LETTERS: usize = 5000;
    let mut rig = Rig::new(1);
    let client = rig.client("s");
    let text = "PUB $SYS.REQ.USER.INFO 0\r\n\r\n".repeat(LETTERS) + "PUB $SYS.REQ.USER.INFO r 0\r\n\r\n";
    rig.shards.feed(client, &text);
    rig.shards.settle();
    let mut turns = 0;
    while rig.shards.output(client).is_empty() {
        assert!(turns == 0 || rig.systems[0].has_work_left(), "it is forgotten");
        rig.turn();
        turns += 1;
    }
    assert!((5..20).contains(&turns), "{turns} turns");
    assert!(!rig.systems[0].has_work_left());
}

/// What comes while letters are left is not forgotten when the last of these is the last that a turn reads.
#[test]
fn what_comes_while_letters_are_left_is_read_behind_them() {
    for letters in [2047, 2048, 2049] {
        let mut rig = Rig::new(1);
        let client = rig.client("s");
        let ask = "PUB $SYS.REQ.USER.INFO 0\r\n\r\n";
        rig.shards.feed(client, &ask.repeat(letters));
        rig.shards.settle();
        rig.turn();
        rig.shards.feed(client, "PUB $SYS.REQ.USER.INFO r 0\r\n\r\n");
        rig.shards.settle();
        rig.turn();
        while rig.systems[0].has_work_left() {
            rig.turn();
        }
        assert!(rig.shards.output(client).contains("MSG r 1"), "after {letters}");
    }
}

/// A user with so many permissions that one answer is enough for a turn.
#[test]
fn a_turn_makes_few_long_answers() {
    let allow = (0..5000).map(|number| format!("x.{number:010}")).chain(["$SYS.>".to_owned()]).collect();
    let publish = Some(SubjectPermission { allow, deny: Vec::new() });
    let user =
        User { permissions: Some(Permissions { publish, ..Permissions::default() }), ..user("a", None) };
    let accounts = vec![AccountConfig { name: "A".into(), users: vec![user], ..AccountConfig::default() }];
    let mut rig = Rig::with(1, &Config { accounts, ..Config::default() });
    let client = rig.client("a");
    rig.shards.feed(client, &"PUB $SYS.REQ.USER.INFO r 0\r\n\r\n".repeat(3));
    rig.shards.settle();
    rig.turn();
    assert_eq!(rig.shards.output(client).matches("MSG r 1").count(), 1);
    assert!(rig.systems[0].has_work_left());
    rig.settle();
    assert_eq!(rig.shards.output(client).matches("MSG r 1").count(), 2);
}

#[test]
fn answers_wait_while_connections_move_and_go_where_the_client_is() {
    let mut rig = Rig::new(2);
    let client = rig.client("s");
    let _other = rig.client("s");
    rig.shards.feed(client, "PUB $SYS.REQ.SERVER.PING r 0\r\n\r\n");
    rig.shards.settle();
    let inquiries = rig.turn();
    assert!(rig.shards.ask_to_move(&[client], 1));
    inquiries.into_iter().for_each(|inquiry| rig.answer(inquiry));
    rig.turn();
    assert_eq!(rig.shards.output(client), "", "nothing is published while connections move");
    rig.shards.settle();
    rig.settle();
    let client = rig.shards.find(client);
    assert_eq!(client.shard, 1);
    assert!(rig.shards.output(client).contains(r#""statsz""#));
}
