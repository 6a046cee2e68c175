//! The ops between servers, borrowing from the input they were read from.

use crate::op::{HeaderLen, split_body};
use crate::words::Words;

/// What a connection between servers carries, which decides what words its lines have.
///
/// More may be added, for gateways are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerKind {
    /// A route: two servers of one cluster.
    Route {
        /// It carries one account, which was named in INFO, and then in no line. Otherwise every line of interest
        /// and every message names its account.
        pinned: bool,
        /// `LS-` names the leaf cluster whose interest ends, as `LS+` does: servers before 2.10.23 leave it out
        /// (`lnocu` in INFO).
        names_origin: bool,
    },
    /// A leaf node and its hub. It carries one account, and all its lines begin with `LS+`, `LS-`, `LMSG` or `HMSG`.
    Leaf,
}

impl PeerKind {
    /// A route for many accounts, between servers of today. So is every route before it is known better, and one
    /// to a server without pools for as long as it lives.
    pub const ROUTE: Self = Self::Route { pinned: false, names_origin: true };

    pub(crate) fn names_account(self) -> bool {
        matches!(self, Self::Route { pinned: false, .. })
    }
}

/// One op of a server, as another server reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerOp<'a> {
    /// `CONNECT`: the JSON text, for [`RouteConnect::parse`](crate::RouteConnect::parse) or
    /// [`LeafConnect::parse`](crate::LeafConnect::parse). Empty for a bare `CONNECT`.
    Connect(&'a [u8]),
    /// `INFO`: the JSON text, for [`PeerInfo::parse`](crate::PeerInfo::parse).
    Info(&'a [u8]),
    /// `RS+` or `LS+`: the server wants such messages, or wants them with another weight.
    Interest {
        /// What it wants.
        key: InterestKey<'a>,
        /// Members of the queue group; 1 where there is no group. A number that is none counts as 0: a group
        /// without a member.
        weight: u32,
    },
    /// `RS-` or `LS-`: the server does not want them any more.
    NoInterest(InterestKey<'a>),
    /// `RMSG`, `LMSG` or `HMSG`.
    Message(PeerMessage<'a>),
    /// `PING`.
    Ping,
    /// `PONG`.
    Pong,
    /// `+OK`, which servers ignore.
    Ok,
    /// `-ERR`: the text without quotes. On a route it is the last word; on a leaf node it need not be.
    Err(&'a [u8]),
    /// A line without a meaning here, which servers read and pass over: `SUB` on a route, `A+` and `A-`.
    Ignored,
}

/// What a server wants, and on whose behalf: two lines with the same key speak of the same interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InterestKey<'a> {
    /// The leaf cluster that wants it, where a route speaks on behalf of one: `LS+` and `LS-`. Empty if the line
    /// does not say which one, see [`PeerKind::Route`].
    pub origin: Option<&'a [u8]>,
    /// The account, where the connection carries more than one.
    pub account: Option<&'a [u8]>,
    /// Wildcards included, not validated.
    pub subject: &'a [u8],
    /// The queue group whose members want it.
    pub queue: Option<&'a [u8]>,
}

/// A message on its way between servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerMessage<'a> {
    /// The leaf cluster it comes from: `LMSG` of a route.
    pub origin: Option<&'a [u8]>,
    /// The account, where the connection carries more than one.
    pub account: Option<&'a [u8]>,
    /// Where to, not validated.
    pub subject: &'a [u8],
    /// Where an answer shall go.
    pub reply: Option<&'a [u8]>,
    /// The queue groups that are to get it; plain subscribers get it anyway.
    pub groups: Groups<'a>,
    /// Set if there are headers. `LMSG` of a route with a header length of 0 has none.
    pub header: Option<HeaderLen<'a>>,
    /// The length of `body` as it was written; servers pass leading zeros on.
    pub size_text: &'a [u8],
    /// Headers, then payload, without the final CR LF.
    pub body: &'a [u8],
}

impl<'a> PeerMessage<'a> {
    /// The header block; empty if there is none.
    pub fn headers(&self) -> &'a [u8] {
        split_body(self.header, self.body).0
    }

    /// What follows the headers.
    pub fn payload(&self) -> &'a [u8] {
        split_body(self.header, self.body).1
    }
}

/// The names of queue groups, as they stand in a line: one after the other, with blanks in between.
#[derive(Debug, Clone, Copy, Default)]
pub struct Groups<'a> {
    names: Words<'a>,
}

impl<'a> Groups<'a> {
    /// Those in the text, which has blanks between them and no line end.
    pub fn new(text: &'a [u8]) -> Self {
        Self { names: Words::new(text) }
    }

    /// Each name, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.names
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

/// Blanks do not count.
impl PartialEq for Groups<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Groups<'_> {}
