//! What clients of the server under test did. The recording does not have it, but what the server told of it.

use std::{collections::BTreeMap, net::SocketAddr};

use test_kit::RawClient;

use crate::peer_record::Record;

use super::Side;

/// Clients of the server under test, one for each account that needs one.
pub(super) struct Clients {
    addr: SocketAddr,
    /// Who may everything in the account `A`, if not the user of that name.
    other: Option<&'static str>,
    clients: BTreeMap<String, RawClient>,
    /// Account, subject, queue group and sid of each subscription.
    subscriptions: Vec<(String, String, String, u32)>,
    sids: u32,
    /// Subject and payload of what came from other servers: what goes back of it no client has published.
    from_peers: Vec<(String, String)>,
    /// Who of them wants which subject: others are told of that, too.
    wanted_by_peers: Vec<(String, String)>,
}

/// A line about messages or interest, taken apart.
struct Told<'a> {
    verb: &'a str,
    account: &'a str,
    subject: &'a str,
    rest: Vec<&'a str>,
    payload: &'a str,
}

impl Clients {
    pub(super) fn of(addr: SocketAddr, record: &Record, side: Side) -> Self {
        let config = match side {
            Side::Accepts => &record.config_a,
            Side::Dials => &record.config_b,
        };
        let other = config.contains("user: h,").then_some("h");
        Self {
            addr,
            other,
            clients: BTreeMap::new(),
            subscriptions: Vec::new(),
            sids: 0,
            from_peers: Vec::new(),
            wanted_by_peers: Vec::new(),
        }
    }

    /// The player says this over that connection.
    pub(super) fn on_sent(&mut self, unit: &str, pinned: Option<&str>, link: &str) {
        let Some(told) = Told::read(unit, pinned) else { return };
        match told.verb {
            "LS+" => self.wanted_by_peers.push((link.to_owned(), told.subject.to_owned())),
            verb if verb.ends_with("MSG") => {
                self.from_peers.push((told.subject.to_owned(), told.payload.to_owned()));
            }
            _ => {}
        }
    }

    /// Does what makes the server say this over that connection. False if it does so unasked.
    pub(super) fn cause(&mut self, unit: &str, pinned: Option<&str>, link: &str) -> bool {
        let Some(told) = Told::read(unit, pinned) else { return false };
        if self.wanted_by_peers.iter().any(|(whose, subject)| whose != link && subject == told.subject) {
            return false;
        }
        match told.verb {
            "RS+" | "LS+" => {
                self.reach(&told, told.rest.get(1).map_or(1, |weight| weight.parse().unwrap_or(1)))
            }
            "RS-" | "LS-" => self.reach(&told, 0),
            _ => return self.publish(&told),
        }
        true
    }

    /// Subscribes and unsubscribes until there are as many subscriptions as that.
    fn reach(&mut self, told: &Told<'_>, wanted: usize) {
        let key = (told.account, told.subject, told.rest.first().copied().unwrap_or_default());
        let is_it = |(account, subject, queue, _): &(String, String, String, u32)| {
            (&**account, &**subject, &**queue) == key
        };
        while self.subscriptions.iter().filter(|one| is_it(one)).count() < wanted {
            self.sids += 1;
            let sid = self.sids;
            self.subscriptions.push((key.0.to_owned(), key.1.to_owned(), key.2.to_owned(), sid));
            self.say(key.0, &format!("SUB {} {} {sid}\r\n", key.1, key.2));
        }
        while self.subscriptions.iter().filter(|one| is_it(one)).count() > wanted {
            let at = self.subscriptions.iter().position(is_it).expect("there is one too many");
            let (.., sid) = self.subscriptions.remove(at);
            self.say(key.0, &format!("UNSUB {sid}\r\n"));
        }
    }

    fn publish(&mut self, told: &Told<'_>) -> bool {
        if self.from_peers.iter().any(|(subject, payload)| subject == told.subject && payload == told.payload)
        {
            return false;
        }
        let sizes = if told.verb == "HMSG" { 2 } else { 1 };
        let (names, sizes) = told.rest.split_at(told.rest.len().saturating_sub(sizes));
        let reply = match names {
            ["|", ..] | [] => "",
            ["+", reply, ..] | [reply, ..] => *reply,
        };
        let verb = if told.verb == "HMSG" { "HPUB" } else { "PUB" };
        let line = format!("{verb} {} {reply} {}\r\n{}", told.subject, sizes.join(" "), told.payload);
        self.say(told.account, &line);
        true
    }

    /// Has the client of an account say something, and waits until the server has taken it.
    fn say(&mut self, account: &str, text: &str) {
        let (addr, other) = (self.addr, self.other);
        let client = self.clients.entry(account.to_owned()).or_insert_with(|| {
            let user = other.map_or_else(|| account.to_lowercase(), str::to_owned);
            let mut client = RawClient::dial(addr);
            let _ = client.next_op();
            client.send(format!(
                "CONNECT {{\"verbose\":false,\"headers\":true,\"user\":\"{user}\",\"pass\":\"{user}\"}}\r\n"
            ));
            client
        });
        client.send(text);
        client.flush();
    }
}

impl<'a> Told<'a> {
    fn read(unit: &'a str, pinned: Option<&'a str>) -> Option<Self> {
        let (line, payload) = unit.split_once("\r\n")?;
        let mut words = line.split_ascii_whitespace();
        // Those that name a leaf cluster are of connections to leaf nodes where no account is named.
        let is_one = |verb: &&str| ["RS+", "RS-", "RMSG", "HMSG"].contains(verb);
        let is_leafs = |verb: &&str| pinned.is_some() && ["LS+", "LS-", "LMSG"].contains(verb);
        let verb = words.next().filter(|verb| is_one(verb) || is_leafs(verb))?;
        let account = pinned.or_else(|| words.next())?;
        Some(Self { verb, account, subject: words.next()?, rest: words.collect(), payload })
    }
}
