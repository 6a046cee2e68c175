//! What the configuration file says of what accounts share, as plain data. Subjects are as written.

use std::sync::Arc;
use std::time::Duration;

/// One entry of `exports`: subjects of an account that others may import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// `stream` or `service`: a filter.
    pub subject: String,
    /// `accounts`: who may import them; none is everybody.
    pub accounts: Vec<String>,
    /// `account_token_position`: the token of what is imported, from 1, that has to be the name of the account that
    /// imports it; 0 is none.
    pub account_token_position: usize,
    /// Which of the two it is.
    pub kind: ExportKind,
}

/// What others may do with the subjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportKind {
    /// `stream`: subscribe to them.
    Stream,
    /// `service`: publish requests to them.
    Service(ServiceTerms),
}

/// How a service answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceTerms {
    /// `response_type`.
    pub responses: ResponseType,
    /// `response_threshold`: how long a response may take, and the next one of several after that. `None` is
    /// [`RESPONSE_THRESHOLD`].
    pub threshold: Option<Duration>,
    /// `allow_trace`: what becomes of a request here is told to who has it traced.
    pub allow_trace: bool,
    /// `latency`: how long it takes to answer is told.
    pub latency: Option<Arc<Latency>>,
}

/// Where to tell how long a service takes, and of which requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latency {
    /// `sampling`.
    pub sampling: Sampling,
    /// `subject`, in the account of the service.
    pub subject: String,
}

/// Requests that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// So many of a hundred, from 1 to 100, and of the others those that [`Self::Headers`] takes.
    Percent(u8),
    /// `headers`: those whose headers say that other systems trace them.
    Headers,
}

impl Sampling {
    /// How many of a hundred, if that is said.
    pub fn percent(self) -> Option<u8> {
        match self {
            Self::Percent(percent) => Some(percent),
            Self::Headers => None,
        }
    }
}

/// nats-server's part of the requests that are measured, where the configuration names none.
pub const SAMPLING: Sampling = Sampling::Percent(100);

/// nats-server's time for a service to respond.
pub const RESPONSE_THRESHOLD: Duration = Duration::from_secs(2 * 60);

/// How many responses there are to a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ResponseType {
    /// `singleton`: one.
    #[default]
    Singleton,
    /// `stream`: any number, of which one without payload is the last.
    Stream,
    /// `chunked`: the same, parts of one.
    Chunked,
}

/// One entry of `imports`: subjects of another account that an account takes part in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// `account`: whose they are.
    pub account: String,
    /// `subject`: a filter, as that account has it.
    pub subject: String,
    /// Which of the two it is.
    pub kind: ImportKind,
}

/// What the account does with the subjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportKind {
    /// `stream`: its clients may subscribe to them.
    Stream {
        /// What the account sees in front of them, or instead.
        shown: Shown,
        /// `allow_trace`: what becomes of a message here is told to who has it traced.
        allow_trace: bool,
    },
    /// `service`: its clients may publish requests to them.
    Service {
        /// `to`: what the account has instead, the same if it names none.
        to: String,
        /// `share`: the service is told who asks, and not only which account does.
        share: bool,
    },
}

/// How the subjects of a stream look to those who import it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// As they are.
    Same,
    /// `prefix`: behind this.
    Behind(String),
    /// `to`: like this, which may name wildcards with `$1` or `{{wildcard(1)}}`.
    As(String),
}
