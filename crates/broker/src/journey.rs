//! Messages whose way is told to someone, by their headers or by what their account says (`nats trace`).
//!
//! While such a message is in hand, what becomes of it is noted: [`Journey`]. Other shards do so with what comes to them, and
//! report it to the shard where it began; so do services that take it in. What is told is put together there, and leaves by
//! the service of the system. Who gets a message, and in which order, is the same for all of them: it is looked up and
//! handed over as any other, only that each delivery is looked at ([`Egress::deliver_watched`]).
//!
//! [`Egress::deliver_watched`]: crate::egress::Egress::deliver_watched

mod begin;
mod end;
mod noting;
mod of_peer;
mod report;
mod ticket;
mod write;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use conns::{ConnId, Time};
use fabric::ShardId;

use crate::subscription::SubKey;

pub(crate) use self::ticket::Ticket;
pub use self::ticket::TraceTicket;

/// The service that a letter is for which reports what became of a message: it is none.
pub(crate) const REPORT: u16 = u16::MAX - 1;

/// Steps of one message that are noted on a shard: to write so many takes a millisecond. Nobody is told of more.
const NOTES_MAX: usize = 2048;

/// Messages of a shard of whose way not all is known yet, or has yet to be told. No more are traced meanwhile.
const OPEN_MAX: usize = 256;

/// How long it may take until all is known. Then what is known is told.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Bytes of headers that are told again. Fields beyond that are left out.
const HEADERS_BYTES_MAX: usize = 64 << 10;

/// Why somebody does not get a message, in nats-server's words.
pub(crate) mod why {
    pub(crate) const NO_ECHO: &str = "Not delivered because of no echo";
    pub(crate) const DENIED: &str = "Not delivered because subscription denies this subject";
    pub(crate) const CLOSED: &str = "Not delivered because client is closed";
    pub(crate) const HAD_ITS_LAST: &str = "Not delivered because auto-unsubscribe exceeded";
    pub(crate) const SLOW: &str = "Not delivered because fast producer not stalled and consumer is slow";
    pub(crate) const NOT_SENT: &str = "Not delivered because remote does not support message tracing";
    pub(crate) const NOT_TOLD: &str = "Message delivered but remote does not support message tracing so no trace event generated from there";
}

/// What is noted of a message that is in hand.
#[derive(Debug)]
pub(crate) struct Journey {
    ticket: Ticket,
    /// The shard where it began.
    began_on: ShardId,
    /// Nobody gets the message.
    pub(crate) only: bool,
    /// The account that it came to first, if that is known here.
    home: Option<usize>,
    /// Where to tell of it, where it began.
    pub(crate) destination: Box<[u8]>,
    /// What it came by from another server.
    hop: Box<str>,
    /// Servers that it was sent to.
    hops: u32,
    /// Shards and services that have yet to report.
    awaited: u32,
    /// Why it goes nowhere.
    error: Option<String>,
    notes: Vec<Note>,
}

/// A step.
#[derive(Debug)]
pub(crate) enum Note {
    Mapped {
        to: Box<[u8]>,
    },
    /// That account imports it, with this subject.
    StreamExport {
        account: usize,
        to: Box<[u8]>,
    },
    /// It goes on to that account.
    ServiceImport {
        account: usize,
        from: Box<[u8]>,
        to: Box<[u8]>,
    },
    /// A client gets it by a subscription in the account of the message.
    Given {
        to: ConnId,
        by: SubKey,
        error: &'static str,
    },
    /// A server does; a leaf node or a hub in this account.
    Sent {
        to: ConnId,
        leaf_of: Option<usize>,
        server: Box<str>,
        hop: Box<str>,
        error: &'static str,
    },
}

/// All messages of a shard whose way is to be told.
#[derive(Debug, Default)]
pub(crate) struct Journeys {
    /// Those of which not all is known, by number.
    open: BTreeMap<u16, Open>,
    /// Until when.
    due: BTreeSet<(Time, u16)>,
    last: u16,
    /// Those that are to be told.
    ended: VecDeque<ToldTrace>,
}

/// One of which not all is known.
#[derive(Debug)]
struct Open {
    told: ToldTrace,
    awaited: u32,
    until: Time,
}

/// What is to be told of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldTrace {
    /// In which account,
    pub account: usize,
    /// and to which subject.
    pub destination: Box<[u8]>,
    /// How it may be packed, in the words of `Accept-Encoding`; empty if nothing was said.
    pub accepts: Box<[u8]>,
    /// The message, as JSON.
    pub request: Vec<u8>,
    /// Servers that it was sent to.
    pub hops: u32,
    /// What became of it: objects of JSON, with commas between.
    pub events: Vec<u8>,
}

impl Journey {
    /// What is noted on a shard of a message that came from another one.
    pub(crate) fn across(began_on: ShardId, ticket: Ticket, account: usize) -> Self {
        Self {
            ticket,
            began_on,
            only: ticket.only(),
            home: (!ticket.is_abroad()).then_some(account),
            destination: Box::default(),
            hop: Box::default(),
            hops: 0,
            awaited: 0,
            error: None,
            notes: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, note: Note) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(note);
        }
    }

    /// It goes nowhere, for that reason.
    pub(crate) fn refuse(&mut self, error: &str) {
        self.error = Some(error.to_owned());
    }

    /// What it is to so many shards that it goes to, in that account: each of them reports.
    pub(crate) fn cross(&mut self, account: usize, shards: usize) -> Ticket {
        self.awaited += shards as u32;
        self.ticket.in_account(self.home == Some(account))
    }

    /// What it is to a service that takes it in, which reports.
    fn serve(&mut self) -> TraceTicket {
        self.awaited += 1;
        TraceTicket::new(self.ticket, self.began_on)
    }
}

impl Journeys {
    /// A number for one more, if there is room.
    fn take_number(&mut self) -> Option<u16> {
        if self.open.len() + self.ended.len() >= OPEN_MAX {
            return None;
        }
        loop {
            self.last = self.last.wrapping_add(1);
            if !self.open.contains_key(&self.last) {
                return Some(self.last);
            }
        }
    }

    fn open(&mut self, now: Time, number: u16, told: ToldTrace, awaited: u32) {
        let until = now + TIME_MAX;
        self.open.insert(number, Open { told, awaited, until });
        self.due.insert((until, number));
    }

    /// One of those that were awaited has reported, and so many more are awaited because of that. Returns whether that
    /// was all.
    fn report(&mut self, number: u16, more: u32, hops: u32, events: &[u8]) -> bool {
        let Some(open) = self.open.get_mut(&number) else { return false };
        open.awaited = (open.awaited + more).saturating_sub(1);
        open.told.hops += hops;
        add_events(&mut open.told.events, events);
        let is_over = open.awaited == 0;
        if is_over {
            self.end(number);
        }
        is_over
    }

    fn end(&mut self, number: u16) {
        if let Some(Open { told, until, .. }) = self.open.remove(&number) {
            self.due.remove(&(until, number));
            self.ended.push_back(told);
        }
    }

    /// Ends those whose time is over. Returns whether there are any.
    fn lapse(&mut self, now: Time) -> bool {
        let before = self.ended.len();
        while let Some((due, number)) = self.due.first().copied()
            && due <= now
        {
            self.end(number);
        }
        self.ended.len() > before
    }

    /// When [`Self::lapse`] is next needed.
    fn next_deadline(&self) -> Option<Time> {
        self.due.first().map(|(due, _)| *due)
    }
}

/// Puts objects behind those that there are.
fn add_events(events: &mut Vec<u8>, more: &[u8]) {
    if !(events.is_empty() || more.is_empty()) {
        events.push(b',');
    }
    events.extend_from_slice(more);
}
