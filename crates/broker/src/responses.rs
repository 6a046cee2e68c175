//! Requests that crossed a border, and where their responses go.
//!
//! A request is known on the shard that it was published on, and its reply subject names that shard, so nobody else has
//! to be told. It is forgotten when the only response came, or the last of several, or when none came for as long as the
//! export says.
//!
//! Always true: a request is in the line of its threshold once and among those of its requester once, and both are in
//! the order of `since`.

mod chain;
mod measured;
mod shown;
mod token;

use std::time::Duration;

use conns::Time;
use fabric::ShardId;
use nats_auth::ResponseType;
use subject_trie::steady::SteadyRows;

use crate::latency::Measured;
use crate::random::Random;

use self::chain::{CHAINS, Chain, Ends, Links, NONE};
use self::measured::MeasuredRows;
pub(crate) use self::shown::Waiting;
pub(crate) use self::token::{ServerWord, Token, TokenText, may_be_response};

/// Bytes of reply subjects of a shard, which clients choose: 4 KiB each by default. There is room for one more as long as
/// its account has no more of them than are free: whoever asks and asks has half of it, and of two each has a third. Else
/// as many of its own requests are forgotten as it takes, the oldest first, and what comes for them goes nowhere.
const REPLY_BYTES_MAX: usize = 128 << 20;

/// What a shorter one counts as, so that there are a million of these. A request takes some 100 bytes beside.
const REPLY_BYTES_MIN: usize = 128;

/// A request that crossed from one account to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// The account that it came from.
    pub(crate) requester: usize,
    /// Where that wants the response.
    pub(crate) reply: Box<[u8]>,
    /// The account that it went to: responses are published there.
    pub(crate) responder: usize,
    pub(crate) responses: ResponseType,
    pub(crate) threshold: Duration,
    /// The import shares who asks.
    pub(crate) shares: bool,
}

/// All requests of a shard.
#[derive(Debug)]
pub(crate) struct Responses {
    server: ServerWord,
    shard: ShardId,
    reply_bytes_max: usize,
    rows: SteadyRows<Row>,
    /// Of the reply subjects in `rows`.
    reply_bytes: usize,
    lines: Vec<Line>,
    /// What each requester has of it.
    shares: Vec<Share>,
    measured: MeasuredRows,
    /// What was measured of those that lapsed, and was not taken yet.
    lapsed: Vec<Measured>,
    random: Random,
}

#[derive(Debug)]
struct Row {
    number: u64,
    request: Request,
    measured: Option<Box<Measured>>,
    is_tracked: bool,
    since: Time,
    line: u32,
    links: [Links; CHAINS],
}

/// Requests with one threshold.
#[derive(Debug)]
struct Line {
    threshold: Duration,
    ends: Ends,
}

/// Requests of one account.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    ends: Ends,
    reply_bytes: usize,
}

impl Responses {
    pub(crate) fn new(server: ServerWord, shard: ShardId, seed: u64) -> Self {
        let random = Random::new(seed.rotate_left(17));
        Self {
            server,
            shard,
            reply_bytes_max: REPLY_BYTES_MAX,
            rows: SteadyRows::new(),
            reply_bytes: 0,
            lines: Vec::new(),
            shares: Vec::new(),
            measured: MeasuredRows::default(),
            lapsed: Vec::new(),
            random,
        }
    }

    /// The server whose requests these are.
    pub(crate) fn server(&self) -> ServerWord {
        self.server
    }

    /// How many requests wait.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.rows.len()
    }

    /// Awaits responses to a request. Returns the subject for them.
    pub(crate) fn open(&mut self, now: Time, request: Request) -> TokenText {
        self.open_row(now, request, None, false)
    }

    /// The same for one that is measured, or that was measured when it crossed another border before: who responds is asked
    /// who that is.
    pub(crate) fn open_tracked(
        &mut self,
        now: Time,
        request: Request,
        measured: Option<Box<Measured>>,
    ) -> TokenText {
        self.open_row(now, request, measured, true)
    }

    fn open_row(
        &mut self,
        now: Time,
        request: Request,
        measured: Option<Box<Measured>>,
        is_tracked: bool,
    ) -> TokenText {
        let line = self.line_of(request.threshold);
        let (requester, reply_bytes) = (request.requester, counted_bytes(&request));
        if self.shares.len() <= requester {
            self.shares.resize(requester + 1, Share::default());
        }
        while !self.has_room(requester, reply_bytes) && !self.rows.is_empty() {
            self.forget_one(requester);
        }
        self.reply_bytes += reply_bytes;
        self.shares[requester].reply_bytes += reply_bytes;
        let number = Token::number_of(self.random.next());
        let row = u32::try_from(self.rows.next_number()).expect("there are a million rows at most");
        let links = <[Links; CHAINS]>::default();
        if measured.is_some() {
            self.measured.insert(&request, row);
        }
        self.rows.insert(Row { number, request, measured, is_tracked, since: now, line: line as u32, links });
        self.join(row);
        Token { server: self.server, shard: self.shard, row, number, is_tracked }.to_text()
    }

    /// The request that a response published in `account` is for.
    pub(crate) fn find(&self, token: Token, account: usize) -> Option<&Request> {
        let row = self.rows.get(token.row as usize)?;
        (row.number == token.number && row.request.responder == account).then_some(&row.request)
    }

    /// A request that is there still has had one of several responses: its time begins anew.
    pub(crate) fn renew(&mut self, now: Time, token: Token) {
        self.leave(token.row);
        if let Some(row) = self.rows.get_mut(token.row as usize) {
            row.since = now;
            self.join(token.row);
        }
    }

    /// Forgets a request, if it is there still.
    pub(crate) fn close(&mut self, token: Token) {
        if self.rows.get(token.row as usize).is_some_and(|row| row.number == token.number) {
            self.remove(token.row);
        }
    }

    /// Forgets up to `count` requests that waited for as long as they may.
    pub(crate) fn lapse(&mut self, now: Time, count: usize) {
        for _ in 0..count {
            let due = self.firsts().find(|(_, due)| *due <= now);
            let Some((row, _)) = due else { return };
            let measured = self.remove(row);
            self.lapsed.extend(measured.map(|measured| *measured));
        }
    }

    /// When [`Self::lapse`] is next needed.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.firsts().map(|(_, due)| due).min()
    }

    /// The first of each line, and when it lapses.
    fn firsts(&self) -> impl Iterator<Item = (u32, Time)> {
        self.lines.iter().filter_map(|line| {
            let first = self.rows.get(line.ends.first as usize)?;
            Some((line.ends.first, first.since + line.threshold))
        })
    }

    /// There is a line for each threshold that the configuration names, and for as many that it named before as once had
    /// requests at a time.
    fn line_of(&mut self, threshold: Duration) -> usize {
        let known = self.lines.iter().position(|line| line.threshold == threshold);
        known.unwrap_or_else(|| {
            let free = self.lines.iter().position(|line| line.ends.first == NONE);
            let line = Line { threshold, ends: Ends::default() };
            match free {
                Some(at) => self.lines[at] = line,
                None => self.lines.push(line),
            }
            free.unwrap_or(self.lines.len() - 1)
        })
    }

    /// Whether there is room for one more request of the account with so many bytes.
    fn has_room(&self, requester: usize, reply_bytes: usize) -> bool {
        self.reply_bytes + self.shares[requester].reply_bytes + reply_bytes <= self.reply_bytes_max
    }

    /// Forgets a request of the account, or if it has none the one that lapses first.
    fn forget_one(&mut self, requester: usize) {
        let own = Some(self.shares[requester].ends.first).filter(|first| *first != NONE);
        let oldest = own.or_else(|| self.firsts().min_by_key(|(_, due)| *due).map(|(row, _)| row));
        if let Some(row) = oldest {
            self.remove(row);
        }
    }

    /// Returns what is measured of it.
    fn remove(&mut self, row: u32) -> Option<Box<Measured>> {
        self.leave(row);
        let mut gone = self.rows.remove(row as usize)?;
        let reply_bytes = counted_bytes(&gone.request);
        self.reply_bytes -= reply_bytes;
        self.shares[gone.request.requester].reply_bytes -= reply_bytes;
        self.measured.take(row, &mut gone)
    }

    /// Puts a row at the end of its chains.
    fn join(&mut self, number: u32) {
        let Some((line, requester)) = self.chains_of(number) else { return };
        self.lines[line].ends.join(&mut self.rows, Chain::Line, number);
        self.shares[requester].ends.join(&mut self.rows, Chain::Share, number);
    }

    /// Takes a row out of its chains.
    fn leave(&mut self, number: u32) {
        let Some((line, requester)) = self.chains_of(number) else { return };
        self.lines[line].ends.leave(&mut self.rows, Chain::Line, number);
        self.shares[requester].ends.leave(&mut self.rows, Chain::Share, number);
    }

    fn chains_of(&self, number: u32) -> Option<(usize, usize)> {
        let row = self.rows.get(number as usize)?;
        Some((row.line as usize, row.request.requester))
    }
}

fn counted_bytes(request: &Request) -> usize {
    request.reply.len().max(REPLY_BYTES_MIN)
}

#[cfg(test)]
mod tests;
