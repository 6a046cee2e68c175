//! What the configuration file says of users and accounts, as plain data.
//!
//! The fields follow the file: what it leaves out is `None` or empty here, and what follows from
//! that is decided where a `Directory` is built. Subjects are as written.

mod leaf_nodes;
mod sharing;

use std::time::Duration;

use crate::secret::Secret;

pub use self::leaf_nodes::{LeafAuthorization, LeafUser};
pub use self::sharing::{
    Export, ExportKind, Import, ImportKind, Latency, RESPONSE_THRESHOLD, ResponseType, SAMPLING, Sampling,
    ServiceTerms, Shown,
};

/// The account of clients that name none.
pub const GLOBAL_ACCOUNT: &str = "$G";

/// The account of the server's own messages, if the configuration names none.
pub const SYSTEM_ACCOUNT: &str = "$SYS";

/// Everything that decides who may connect and what they may do. By default everyone may do everything,
/// in the global account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// `accounts`, in the order of the file.
    pub accounts: Vec<AccountConfig>,
    /// `authorization`'s `users`: those that belong to the global account.
    pub users: Vec<User>,
    /// `authorization`'s `user` and `password`, or `--user` and `--pass`: the one user there is.
    pub single_user: Option<(String, Secret)>,
    /// `authorization`'s `token`, or `--auth`.
    pub token: Option<Secret>,
    /// `authorization`'s `timeout`: how long a client may take to identify itself. `None` is
    /// [`AUTH_TIMEOUT`]. Who turns on TLS and leaves this out passes the TLS timeout and one second.
    pub timeout: Option<Duration>,
    /// `authorization`'s `default_permissions`, for those of `users` that have none of their own.
    pub default_permissions: Option<Permissions>,
    /// `no_auth_user`: the user that a client without credentials is.
    pub no_auth_user: Option<String>,
    /// Whether the file has an `authorization` block. Without one, and with no other account than the
    /// system account, clients without credentials are let in.
    pub has_authorization: bool,
    /// `system_account`: the account for the server's own messages. `None` is `$SYS`.
    pub system_account: Option<String>,
    /// `no_system_account`: there is none, unless it is named or configured.
    pub no_system_account: bool,
    /// `mappings` at the top: those of the global account.
    pub mappings: Vec<Mapping>,
    /// `tls`'s `verify_and_map`: a client is who its certificate says.
    pub verify_and_map: bool,
    /// `websocket`'s own: what it asks of those who come that way. `None` is that there is no such listener.
    pub websocket: Option<ListenerAuth>,
    /// `leafnodes`'s own: what it asks of leaf nodes. If it names nobody, whoever may come as a client may come.
    pub leaf_nodes: LeafAuthorization,
    /// Put a nonce in INFO even if no user has an nkey.
    pub always_nonce: bool,
    /// Accounts whose JetStream is on other servers of the cluster: their requests go there by the system account.
    pub jetstream_elsewhere: Vec<String>,
}

impl Config {
    /// The name of the system account, if there is one.
    pub fn system(&self) -> Option<&str> {
        let is_configured = || self.accounts.iter().any(|account| account.name == SYSTEM_ACCOUNT);
        let default = || (!self.no_system_account || is_configured()).then_some(SYSTEM_ACCOUNT);
        self.system_account.as_deref().or_else(default)
    }
}

/// nats-server's time for a client to identify itself.
pub const AUTH_TIMEOUT: Duration = Duration::from_secs(2);

/// What a listener asks for instead of what `authorization` says. If it names anybody it goes by nothing but that.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListenerAuth {
    /// `user` and `password`: the one user there is.
    pub single_user: Option<(String, Secret)>,
    /// `token`.
    pub token: Option<Secret>,
    /// `no_auth_user`: the user that a client without credentials is.
    pub no_auth_user: Option<String>,
    /// `timeout`; `None` is that of `authorization`.
    pub timeout: Option<Duration>,
    /// `tls`'s `verify_and_map`: a client is who its certificate says.
    pub verify_and_map: bool,
}

impl ListenerAuth {
    /// Whether it stands in place of `authorization`.
    pub fn overrides(&self) -> bool {
        self.single_user.is_some() || self.token.is_some() || self.no_auth_user.is_some()
    }
}

/// One entry of `accounts`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccountConfig {
    /// Its key.
    pub name: String,
    /// `users`.
    pub users: Vec<User>,
    /// `default_permissions`, for users that have none of their own.
    pub default_permissions: Option<Permissions>,
    /// `limits`.
    pub limits: AccountLimits,
    /// `mappings`.
    pub mappings: Vec<Mapping>,
    /// `exports`.
    pub exports: Vec<Export>,
    /// `imports`.
    pub imports: Vec<Import>,
    /// `msg_trace`: where to tell of messages that are traced by others' rules.
    pub msg_trace: MsgTrace,
}

/// Where to tell what becomes of messages with a `traceparent` that says so, and of how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MsgTrace {
    /// `dest`: a subject of the account; empty if nothing is told.
    pub dest: String,
    /// `sampling`: of so many of a hundred of them.
    pub percent: u8,
}

impl Default for MsgTrace {
    fn default() -> Self {
        Self { dest: String::new(), percent: 100 }
    }
}

/// One entry of `users`.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Who it is and how it proves that.
    pub identity: IdentityConfig,
    /// `permissions`; `None` leaves it to the account's default.
    pub permissions: Option<Permissions>,
    /// `allowed_connection_types`, in the words of the file (case does not matter); `None` is all.
    pub allowed_connection_types: Option<Vec<String>>,
}

/// How a user is told from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityConfig {
    /// `user` and `password`. The password may be a bcrypt hash, and empty for users that are known
    /// by their certificate.
    Password {
        /// `user`: also what is compared with a certificate's names.
        user: String,
        /// `password`.
        password: Secret,
    },
    /// `nkey`: the public key of a user, `U…`.
    Nkey(String),
}

/// What a user may publish to and subscribe to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// `publish`; `None` is everything.
    pub publish: Option<SubjectPermission>,
    /// `subscribe`; `None` is everything.
    pub subscribe: Option<SubjectPermission>,
    /// `allow_responses`.
    pub responses: Option<ResponsePermission>,
}

/// Filters that are allowed and denied. For subscriptions each may be followed by a blank and a queue
/// name, which may have wildcards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectPermission {
    /// `allow`; none is everything, also when the file has an empty list, as in nats-server.
    pub allow: Vec<String>,
    /// `deny`. It wins.
    pub deny: Vec<String>,
}

/// `allow_responses`: a user may publish to the reply subjects of messages it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponsePermission {
    /// `max`: how often to each. `None` (or 0 in the file) is 1; a negative number in the file is no
    /// limit: [`RESPONSES_UNLIMITED`].
    pub max: Option<u64>,
    /// `expires`: how long after the message. `None` (or 0 in the file) is two minutes; a negative
    /// duration in the file is no limit: [`Duration::MAX`].
    pub expires: Option<Duration>,
}

/// Responses without a limit in number.
pub const RESPONSES_UNLIMITED: u64 = u64::MAX;

/// An account's `limits`; `None` is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountLimits {
    /// `max_connections`, over all shards.
    pub connections: Option<usize>,
    /// `max_subscriptions`, of each connection.
    pub subscriptions: Option<usize>,
    /// `max_payload`, in bytes.
    pub payload_bytes: Option<usize>,
    /// `max_leafnodes`. Kept for those who show it; there are none to count.
    pub leafnodes: Option<usize>,
}

/// One entry of `mappings`: messages to `source` go to a destination instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// A filter.
    pub source: String,
    /// Where to, by weight. One destination given as a plain string has a weight of 100.
    pub destinations: Vec<Destination>,
}

/// One of the places a mapped message may go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// A subject that may name the source's wildcards, with `$1` or `{{…}}`.
    pub subject: String,
    /// Percent of the messages, 0 to 100.
    pub weight: u8,
    /// `cluster`: only in the cluster of that name. Refused, there are no clusters yet.
    pub cluster: Option<String>,
}
