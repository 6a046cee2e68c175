//! What the broker keeps of a client's connection, and the table of them.

use std::sync::{Arc, LazyLock};

use balance::Votes;
use conns::{Conns, Peer, Time};
use monitor::Tally;
use nats_auth::{Claim, ConnectionType, Identity, Seat};
use nats_proto::{ClientDecoder, ConnectOptions, Limits, quote};
use subject_trie::steady::SteadyTable;

use crate::guard::Guard;
use crate::pacing::Pile;
use crate::record::{Introduction, Record};
use crate::security::Security;
use crate::steady_queue::SteadyQueue;
use crate::subscription::{BySid, SubKey};
use crate::turn::Share;
use crate::web::{Cookies, WebFacts};

/// Why a connection's input waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Not every shard knows of the connection's latest SUB or UNSUB yet.
    Fence,
    /// A link to another shard is full.
    Link,
    /// A shard was offered its last message and has not answered.
    Offer,
    /// It published faster than its readers read, and goes on at this time.
    Stall(Time),
    /// Connections change shards; nobody's input counts until they have.
    Pause,
    /// Its password is being checked elsewhere.
    Auth,
    /// It had its share, or may go on after another hold: it stands in line.
    Turn,
    /// A second CONNECT of its ends its old subscriptions, so many that it takes some turns.
    Leaving,
    /// The server stops: what it says does not count any more.
    Stop,
    /// It has as many subscriptions as it may have, and some on this shard that had their last message are still being
    /// taken out.
    Expiry,
}

/// A SUB or UNSUB whose effect waits for the fence.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deferred {
    /// Remove the subscription, which its client finds no more.
    Remove(BySid),
    /// Let the subscription end after that many messages.
    EndAfter(SubKey, u64),
}

/// How far a connection has come in saying who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has yet to become a WebSocket: it is no client before, and nobody counts it.
    Guest,
    /// It is another server, or who says so: nobody counts it among clients.
    Peer,
    /// It has to identify itself before anything else.
    Awaited,
    /// Its password is being checked elsewhere. What its CONNECT asks for besides may not be had.
    Checking(Option<Objection>),
    /// It is who it is.
    Admitted,
}

/// What is wrong with a CONNECT that parses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Objection {
    /// It names an account to enter.
    Account,
    /// It names a protocol version that does not exist.
    Protocol,
    /// It wants `no_responders` without `headers`.
    NoResponders,
}

/// What has to be looked at besides, with each message of a connection. Most have none of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Watch {
    /// It may not publish to every subject.
    pub(crate) publishes: bool,
    /// Its account maps subjects to others, or shares services.
    pub(crate) detours: bool,
    /// Some of its subscriptions may be sent what they are not to have.
    pub(crate) deliveries: bool,
    /// It may answer what it gets.
    pub(crate) replies: bool,
}

/// The part of CONNECT that the hot path asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Abilities {
    pub(crate) verbose: bool,
    pub(crate) pedantic: bool,
    pub(crate) echo: bool,
    pub(crate) headers: bool,
    pub(crate) no_responders: bool,
    pub(crate) async_info: bool,
}

impl Abilities {
    pub(crate) fn of(options: &ConnectOptions) -> Self {
        Self {
            verbose: options.verbose,
            pedantic: options.pedantic,
            echo: options.echo,
            headers: options.headers,
            no_responders: options.no_responders,
            async_info: options.protocol >= 1,
        }
    }

    /// CONNECT as it stands: what a further CONNECT does not mention stays as it was.
    pub(crate) fn as_options(self) -> ConnectOptions {
        ConnectOptions {
            verbose: self.verbose,
            pedantic: self.pedantic,
            echo: self.echo,
            headers: self.headers,
            no_responders: self.no_responders,
            protocol: self.async_info.into(),
            ..ConnectOptions::default()
        }
    }
}

/// The state of one client, its socket's half aside.
#[derive(Debug)]
pub(crate) struct Client {
    /// The id that INFO, logs and monitoring show: unique over all shards.
    pub(crate) cid: u64,
    /// How log lines begin.
    pub(crate) label: Box<str>,
    /// Whether it counts towards `max_connections`.
    pub(crate) counted: bool,
    pub(crate) account: usize,
    pub(crate) abilities: Abilities,
    pub(crate) watch: Watch,
    pub(crate) standing: Standing,
    /// Who it is, once it is admitted.
    pub(crate) identity: Arc<Identity>,
    /// Who it says it is, if the log goes by that rather than by who it was found to be. The check of its password
    /// lapses when this is dropped.
    pub(crate) claim: Option<Claim>,
    /// The time it has to say who it is ran out while its password was checked.
    pub(crate) out_of_time: bool,
    /// Its place in its account.
    pub(crate) seat: Option<Seat>,
    /// What its INFO asked to be signed.
    pub(crate) nonce: Option<Box<str>>,
    /// What it may do, and what is known of that; `None` if it may do everything.
    pub(crate) guard: Option<Box<Guard>>,
    /// The limits of the server, or those of its account if they are lower.
    pub(crate) limits: Limits,
    /// How many subscriptions it may have; `None` is no limit.
    pub(crate) subs_max: Option<usize>,
    pub(crate) connect_received: bool,
    /// Its latest CONNECT was its first.
    pub(crate) is_first_connect: bool,
    /// A CONNECT of its was good: logs may tell its account.
    pub(crate) introduced: bool,
    pub(crate) first_pong_sent: bool,
    /// What its way in came to; plain ones have none. Many WebSockets share what says nothing more of them, and so do
    /// those within the process.
    arrival: Option<Arc<Arrival>>,

    pub(crate) decoder: ClientDecoder,
    /// The settings that it follows, counted by its shard.
    pub(crate) settings_epoch: u64,
    /// What it may do was settled anew, and its subscriptions are held against that. Until it has come to all of
    /// them each of its messages is.
    pub(crate) recheck: Option<Recheck>,
    /// How many bytes came with the read that the inbox ends with.
    pub(crate) held_read: usize,
    /// How many bytes from the front of the inbox the op there is known to need.
    pub(crate) op_bytes: usize,
    pub(crate) hold: Option<Hold>,
    /// What it had when it was served last.
    pub(crate) share: Share,
    /// It is about to move to another shard: it is not read from.
    pub(crate) leaving: bool,
    /// Where its sampled traffic goes.
    pub(crate) votes: Votes,
    /// Set while a read is processed if one of its messages met a reader that falls behind.
    pub(crate) stall_wanted: bool,
    pub(crate) pile: Pile,

    /// Subscriptions by sid; a leaving one is not here any more, nor one of a closing connection.
    pub(crate) subs: SteadyTable<BySid>,
    /// While all of its subscriptions are being ended, which may take several turns: the row in the shard's table of
    /// subscriptions from which its next one is looked for. 0 at other times.
    pub(crate) leaving_row: usize,
    /// It has had subscriptions with so many tokens that to move them would be long: it stays where it is.
    pub(crate) stays: bool,
    /// The interest round that every shard has to confirm before output leaves and input goes on.
    pub(crate) fence: Option<u64>,
    /// SUBs and UNSUBs taken in since the fence went up.
    pub(crate) fenced_ops: u32,
    /// What the confirmation will put into effect, in order.
    pub(crate) deferred: SteadyQueue<Deferred>,
    /// A `+OK` that waits for the fence.
    pub(crate) owes_ok: bool,

    /// Messages put in its outbox that are not in the sums yet.
    pub(crate) given: Tally,

    pub(crate) record: Record,
    /// It is closing, and has subscriptions in the index yet.
    pub(crate) winding_up: bool,
    pub(crate) last_in: Time,
    pub(crate) rtt_asked: bool,
    pub(crate) pings_out: u32,
    pub(crate) next_ping: Time,
    /// The earliest PING reminder that is pending.
    pub(crate) ping_reminder: Time,
}

/// What a way in came to that is not plain.
#[derive(Debug)]
struct Arrival {
    /// With TLS.
    security: Option<Security>,
    /// What its request said, if it is a WebSocket.
    web: Option<WebFacts>,
    /// Its client is a part of the program that the server is in.
    is_in_process: bool,
}

/// That of WebSockets of which nothing more is to be said.
static WEBSOCKET: LazyLock<Arc<Arrival>> = LazyLock::new(|| {
    Arc::new(Arrival { security: None, web: Some(WebFacts::default()), is_in_process: false })
});

/// That of connections within the process without TLS.
static IN_PROCESS: LazyLock<Arc<Arrival>> =
    LazyLock::new(|| Arc::new(Arrival { security: None, web: None, is_in_process: true }));

/// What came of a recheck so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Recheck {
    /// One of the subscriptions is to be kept from some messages.
    pub(crate) screens: bool,
}

impl Client {
    pub(crate) fn new(
        cid: u64,
        peer: Peer,
        counted: bool,
        now: Time,
        identity: Arc<Identity>,
        limits: Limits,
        how: ConnectionType,
    ) -> Self {
        Self {
            cid,
            label: label(peer, how, None, cid).into(),
            counted,
            account: 0,
            abilities: Abilities::of(&ConnectOptions::default()),
            watch: Watch::default(),
            standing: Standing::Admitted,
            identity,
            claim: None,
            out_of_time: false,
            seat: None,
            nonce: None,
            guard: None,
            limits,
            subs_max: None,
            connect_received: false,
            is_first_connect: false,
            introduced: false,
            first_pong_sent: false,
            arrival: (how == ConnectionType::InProcess).then(|| Arc::clone(&IN_PROCESS)),
            decoder: ClientDecoder::default(),
            settings_epoch: 0,
            recheck: None,
            held_read: 0,
            op_bytes: 0,
            hold: None,
            share: Share::default(),
            leaving: false,
            votes: Votes::default(),
            stall_wanted: false,
            pile: Pile::default(),
            subs: SteadyTable::new(),
            leaving_row: 0,
            stays: false,
            fence: None,
            fenced_ops: 0,
            deferred: SteadyQueue::new(),
            owes_ok: false,
            given: Tally::default(),
            record: Record::new(now),
            winding_up: false,
            last_in: now,
            rtt_asked: false,
            pings_out: 0,
            next_ping: now,
            ping_reminder: Time(u64::MAX),
        }
    }

    /// How it is connected.
    pub(crate) fn how(&self) -> ConnectionType {
        if self.is_guest() || self.web().is_some() {
            ConnectionType::Websocket
        } else if self.is_in_process() {
            ConnectionType::InProcess
        } else {
            ConnectionType::Standard
        }
    }

    /// It came in like this.
    pub(crate) fn set_arrival(&mut self, security: Option<Security>, web: Option<WebFacts>) {
        let is_in_process = self.is_in_process();
        self.arrival = Some(match (&security, &web) {
            (None, Some(web)) if *web == WebFacts::default() => Arc::clone(&WEBSOCKET),
            _ => Arc::new(Arrival { security, web, is_in_process }),
        });
    }

    /// Whether it is a part of the program that the server is in.
    pub(crate) fn is_in_process(&self) -> bool {
        self.arrival.as_ref().is_some_and(|arrival| arrival.is_in_process)
    }

    /// What its TLS handshake came to.
    pub(crate) fn security(&self) -> Option<&Security> {
        self.arrival.as_ref()?.security.as_ref()
    }

    fn web(&self) -> Option<&WebFacts> {
        self.arrival.as_ref()?.web.as_ref()
    }

    /// Whether it is another server.
    #[inline]
    pub(crate) fn is_peer(&self) -> bool {
        self.standing == Standing::Peer
    }

    /// Whether it has yet to become a WebSocket.
    pub(crate) fn is_guest(&self) -> bool {
        self.standing == Standing::Guest
    }

    /// Who it is in logs and monitoring: what its CONNECT says may go before who it was found to be.
    pub(crate) fn who(&self) -> Option<Claim> {
        self.claim.clone().or_else(|| self.identity.claim())
    }

    /// Notes what its CONNECTs say of a client that turns out to be this user. What is not said again stands.
    pub(crate) fn note_claim(&mut self, claim: Option<Claim>, identity: &Identity) {
        let found = identity.claim();
        self.claim = claim.or(self.claim.take()).filter(|claim| claim.goes_before(found.as_ref()));
    }

    /// Counts a message that it is sent, whose headers and payload have `bytes` bytes.
    #[inline]
    pub(crate) fn count_given(&mut self, bytes: usize) {
        self.given.msgs += 1;
        self.given.bytes += bytes as u64;
    }

    /// Whether it may have no more subscriptions.
    pub(crate) fn has_all_its_subscriptions(&self) -> bool {
        self.subs_max.is_some_and(|max| self.subs.len() >= max)
    }

    /// How it is named in the log before anything is known of it.
    pub(crate) fn bare_label(&self, peer: Peer) -> String {
        let said = self.web().and_then(|web| web.client_ip.as_deref());
        label(peer, self.how(), said, self.cid)
    }

    /// Credentials that its request had.
    pub(crate) fn cookies(&self) -> Option<&Cookies> {
        self.web().map(|web| &web.cookies)
    }

    /// Names the client in the log by what its first CONNECT said of it, and who it is in which account.
    pub(crate) fn introduce(&mut self, peer: Peer, account: &str) {
        self.introduced = true;
        if !self.is_first_connect {
            return;
        }
        let Introduction { name, lang, version } = self.record.introduction();
        let version = if version.is_empty() { String::new() } else { format!("v{version}") };
        let parts: Vec<&str> = [&*version, lang, name].into_iter().filter(|text| !text.is_empty()).collect();
        let mut label = self.bare_label(peer);
        if !parts.is_empty() {
            label += &format!(" - {}", quote(parts.join(":")));
        }
        if let Some(who) = self.who() {
            label += &format!(" - {}", quote(format!("{account}/{}", who.label())));
        }
        self.label = label.into();
    }
}

/// Where it is, also as a proxy says, and which it is.
fn label(peer: Peer, how: ConnectionType, said: Option<&str>, cid: u64) -> String {
    let word = if how == ConnectionType::Websocket { "wid" } else { "cid" };
    match said {
        None => format!("{peer} - {word}:{cid}"),
        Some(ip) if ip.contains(':') => format!("[{ip}]/{peer} - {word}:{cid}"),
        Some(ip) => format!("{ip}/{peer} - {word}:{cid}"),
    }
}

/// What a shard is to be reminded of about a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reminder {
    /// Time for a PING, or to give up on the peer.
    Ping,
    /// A slowed publisher may go on.
    Stall,
    /// A client may have run out of time to say who it is.
    Auth,
}

/// All connections of a shard.
pub(crate) type Clients = Conns<Client, Reminder>;

#[cfg(test)]
mod tests {
    use conns::Conn;

    use super::*;

    /// A million idle connections are as many of these.
    #[test]
    fn an_idle_connection_takes_736_bytes_beside_what_its_client_says_and_asks_for() {
        assert_eq!(size_of::<Conn<Client>>(), 736);
    }
}
