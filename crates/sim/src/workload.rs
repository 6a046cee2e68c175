//! What clients decide to do.

use crate::asking::Asking;
use crate::client::{Abilities, Client, Draft, Seen};
use crate::history::History;
use crate::plan::{CLIENT_SUBS_MAX, Plan, Profile};
use crate::random::{Random, Stream};
use crate::service::owned_subject;
use crate::users::UserRecord;

/// With so many it is content, if clients settle.
const SETTLED_SUBS: usize = 2;

/// PINGs a client may have open.
const OWED_MAX: usize = 40;

/// Services that accounts ask each other for.
const ASKED_MAX: usize = 3;

/// How often a message may be passed on.
const HOPS_MAX: u32 = 3;

/// Messages of one run, reactions included: it has to end.
pub(crate) const MESSAGES_MAX: usize = 500;

/// The same with large payloads.
const HEAVY_MESSAGES_MAX: usize = 120;

pub(crate) struct Workload {
    random: Random,
    plan: Plan,
}

impl Workload {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { random: Random::new(plan.seed, Stream::Workload as u64), plan: plan.clone() }
    }

    pub(crate) fn abilities(&mut self) -> Abilities {
        let headers = self.random.chance(75);
        Abilities {
            verbose: self.random.chance(20),
            echo: self.random.chance(80),
            headers,
            no_responders: headers && self.random.chance(80),
        }
    }

    /// Perhaps gives a client subscriptions that nobody publishes to.
    pub(crate) fn take_ballast(&mut self, client: &mut Client, history: &mut History) {
        if self.plan.ballast == 0 || self.random.chance(50) {
            return;
        }
        for number in 0..self.random.size(1, self.plan.ballast) {
            // Some that others have as well.
            let whose = if self.random.chance(30) { "all".to_owned() } else { client.record.to_string() };
            let end = if self.random.chance(30) { ".*" } else { "" };
            let queue = self.random.chance(30).then(|| "g".to_owned());
            client.subscribe(history, format!("ballast.{whose}.{number}{end}"), queue, None);
        }
        client.live.clear(); // They are not for the workload to end.
    }

    /// How many steps a client takes.
    pub(crate) fn steps(&mut self) -> u64 {
        self.random.between(self.plan.steps / 2, self.plan.steps)
    }

    pub(crate) fn hangs_up(&mut self) -> bool {
        self.random.chance(self.plan.hangups)
    }

    /// One step: an op, or a few at once.
    pub(crate) fn step(&mut self, client: &mut Client, history: &mut History) {
        match self.random.between(0, 99) {
            0..=34 => self.publish(client, history, HOPS_MAX, false),
            35..=51 => self.publish(client, history, HOPS_MAX, true),
            52.. if self.is_settled(client) => self.ping(client, history),
            52..=71 => self.subscribe(client, history),
            72..=81 => self.unsubscribe(client, history),
            82..=89 => self.limit(client, history),
            90 => client.connect(history),
            _ => self.ping(client, history),
        }
        if self.random.chance(25) {
            self.ping(client, history);
        }
        if self.random.chance(30) {
            self.step(client, history);
        }
    }

    /// Whether a client keeps the subscriptions that it has.
    fn is_settled(&self, client: &Client) -> bool {
        self.plan.settles && client.live.len() >= SETTLED_SUBS
    }

    /// What a client does about what it sees. Reactions build the chains in which one client acts
    /// on what another could only know from a third.
    pub(crate) fn react(&mut self, client: &mut Client, history: &mut History, seen: Seen) {
        match seen {
            Seen::Pong => {
                if self.random.chance(30) {
                    self.publish(client, history, HOPS_MAX, false);
                }
            }
            Seen::Message { reply: Some(reply), hops } if self.random.chance(70) => {
                let len = self.random.size(0, 60);
                let draft =
                    Draft { subject: reply, is_request: false, with_header: false, len, hops: hops.min(1) };
                self.send(client, history, draft);
            }
            Seen::Message { hops, .. } => {
                if hops > 0 && self.random.chance(35) {
                    let is_request = self.random.chance(25);
                    self.publish(client, history, hops - 1, is_request);
                }
            }
        }
    }

    /// Who the next client is.
    pub(crate) fn user(&mut self) -> UserRecord {
        UserRecord {
            account: self.random.size(0, self.plan.accounts - 1),
            is_restricted: self.plan.permissions && self.random.chance(40),
        }
    }

    fn publish(&mut self, client: &mut Client, history: &mut History, hops: u32, is_request: bool) {
        let len = match self.plan.profile {
            Profile::Heavy if self.random.chance(70) => {
                self.random.size(self.plan.payload_max / 4, self.plan.payload_max)
            }
            Profile::Heavy => 0,
            _ => self.random.size(0, self.plan.payload_max),
        };
        let subject = if self.plan.services && self.random.chance(15) {
            owned_subject(&mut self.random)
        } else if self.plan.asks() && self.random.chance(30) {
            Asking::subject(client.user.account, self.random.size(0, ASKED_MAX - 1))
        } else {
            self.subject()
        };
        let draft = Draft {
            subject,
            is_request: is_request && client.abilities.no_responders,
            with_header: self.random.chance(30),
            len,
            hops,
        };
        self.send(client, history, draft);
    }

    fn send(&mut self, client: &mut Client, history: &mut History, draft: Draft) {
        let max = match self.plan.profile {
            Profile::Heavy => HEAVY_MESSAGES_MAX,
            _ => MESSAGES_MAX,
        };
        if history.messages.len() < max {
            client.publish(history, draft);
        }
    }

    fn subscribe(&mut self, client: &mut Client, history: &mut History) {
        if client.live.len() >= CLIENT_SUBS_MAX {
            return self.unsubscribe(client, history);
        }
        let mut filter = match self.random.between(0, 99) {
            0..=79 => self.subject(),
            80..=89 => "s.*".into(),
            90..=96 => "*.0".into(),
            _ => "s.>".into(),
        };
        if self.plan.asks() && self.random.chance(25) {
            let account = client.user.account;
            let number = self.random.size(0, ASKED_MAX - 1);
            filter =
                if self.random.chance(30) { Asking::all(account) } else { Asking::subject(account, number) };
        }
        if !client.user.may_get(&filter) {
            filter = "s.*".into(); // It would be refused.
        }
        if let Some(imported) = self.plan.sharing.imported(client.user.account, &filter)
            && self.random.chance(60)
        {
            filter = imported;
        }
        let queue = self.random.chance(50).then(|| (*self.random.one_of(&["g", "g", "h"])).to_string());
        let sid = if self.random.chance(20) { self.spare_sid(client, history, &filter) } else { None };
        client.subscribe(history, filter, queue, sid);
        if self.plan.limits && self.random.chance(25) {
            let row = *client.live.last().expect("it just subscribed");
            let max = self.random.between(1, 4);
            client.limit(history, row, max);
        }
    }

    fn spare_sid(&mut self, client: &Client, history: &History, filter: &str) -> Option<u32> {
        let spare = client.spare_sids(history, filter);
        if spare.is_empty() { None } else { Some(*self.random.one_of(&spare)) }
    }

    fn unsubscribe(&mut self, client: &mut Client, history: &mut History) {
        if !client.live.is_empty() {
            let row = *self.random.one_of(&client.live);
            client.unsubscribe(history, row);
        }
    }

    fn limit(&mut self, client: &mut Client, history: &mut History) {
        if self.plan.limits && !client.live.is_empty() {
            let row = *self.random.one_of(&client.live);
            let received = history.subs[row].received.len() as u64;
            let max = (received + self.random.between(0, 5)).max(1);
            client.limit(history, row, max);
        }
    }

    fn ping(&mut self, client: &mut Client, history: &mut History) {
        if client.owed() < OWED_MAX {
            client.ping(history);
        }
    }

    fn subject(&mut self) -> String {
        format!("s.{}", self.random.size(0, self.plan.subjects - 1))
    }
}
