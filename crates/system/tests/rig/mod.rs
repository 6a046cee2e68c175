//! Shards with the system's service on each, and clients that ask it.
#![allow(dead_code, reason = "each test binary uses its part")]

#[path = "../../../broker/tests/shards/mod.rs"]
mod shards;

use std::collections::BTreeMap;
use std::sync::Arc;

use broker::Broker;
use fabric::ShardId;
use monitor::{AccountRow, Facts, Moment, ShardTotals, Varz};
use nats_auth::{AccountConfig, Config, Directory, IdentityConfig, Permissions, SubjectPermission, User};
use shards::{Conn, Shards};
use system::{Inquiry, InquiryKind, ServerIdentity, Statsz, System, SystemEvent};

/// Shards, and the system's service on each.
pub(crate) struct Rig {
    pub(crate) shards: Shards,
    pub(crate) systems: Vec<System>,
    pub(crate) server: Arc<ServerIdentity>,
}

pub(crate) fn user(name: &str, may_publish: Option<&str>) -> User {
    let publish =
        may_publish.map(|filter| SubjectPermission { allow: vec![filter.to_owned()], deny: Vec::new() });
    User {
        identity: IdentityConfig::Password { user: name.into(), password: "x".into() },
        permissions: publish.map(|publish| Permissions { publish: Some(publish), ..Permissions::default() }),
        allowed_connection_types: None,
    }
}

/// `a` and `b`, who may publish to `x.>` only, in `A`; `s` in the system account.
pub(crate) fn config() -> Config {
    let account = |name: &str, users| AccountConfig { name: name.into(), users, ..AccountConfig::default() };
    let accounts = vec![
        account("A", vec![user("a", None), user("b", Some("x.>"))]),
        account("$SYS", vec![user("s", None)]),
    ];
    Config { accounts, ..Config::default() }
}

impl Rig {
    pub(crate) fn new(shards: usize) -> Self {
        Self::with(shards, &config())
    }

    pub(crate) fn with(shards: usize, config: &Config) -> Self {
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
    pub(crate) fn client(&mut self, user: &str) -> Conn {
        let options = format!(
            r#""verbose":false,"pedantic":false,"headers":true,"no_responders":true,"user":"{user}","pass":"x""#
        );
        let conn = self.shards.connect(&options);
        self.shards.feed(conn, "SUB r 1\r\n");
        self.shards.settle();
        conn
    }

    /// Has the services look after what there is, once.
    pub(crate) fn turn(&mut self) -> Vec<Inquiry> {
        let mut inquiries = Vec::new();
        for (broker, system) in self.shards.brokers.iter_mut().zip(&mut self.systems) {
            broker.take_ready_services(&mut Vec::new());
            system.on_turn(broker, Moment(0));
            inquiries.extend(system.take_inquiries());
        }
        inquiries
    }

    pub(crate) fn answer(&mut self, inquiry: Inquiry) {
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
    pub(crate) fn say(&mut self, conn: Conn, text: &str) -> String {
        self.shards.feed(conn, text);
        self.settle();
        self.shards.output(conn)
    }

    pub(crate) fn settle(&mut self) {
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

    pub(crate) fn ask(&mut self, conn: Conn, what: &str) -> String {
        self.say(conn, &format!("PUB $SYS.REQ.{what} r 0\r\n\r\n"))
    }
}
