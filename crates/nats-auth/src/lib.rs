//! Who may do what: users, accounts and permissions, from a configuration to a verdict.
//!
//! [`Config`] is what a configuration file says. A [`Directory`] is built of it once and then only read:
//! it makes of [`Credentials`] an [`Identity`], which has an account and an [`Access`], the permissions.
//! Nothing here waits: what takes long, a password to be held against its hash, is a [`PasswordCheck`] to
//! be run elsewhere.
#![forbid(unsafe_code)]

mod access;
mod account;
mod certificate;
mod claim;
mod config;
mod connection_type;
mod credentials;
mod directory;
mod door;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod identity;
mod leaf_key;
mod mappings;
mod nonce;
mod password;
mod secret;
mod service_import;
mod sharing;
mod stream_import;

pub use access::{Access, Responses};
pub use account::{Account, Seat};
pub use certificate::{PeerAttribute, PeerFacts};
pub use claim::Claim;
pub use config::{
    AUTH_TIMEOUT, AccountConfig, AccountLimits, Config, Destination, Export, ExportKind, GLOBAL_ACCOUNT,
    IdentityConfig, Import, ImportKind, Latency, LeafAuthorization, LeafUser, ListenerAuth, Mapping,
    MsgTrace, Permissions, RESPONSE_THRESHOLD, RESPONSES_UNLIMITED, ResponsePermission, ResponseType,
    SAMPLING, SYSTEM_ACCOUNT, Sampling, ServiceTerms, Shown, SubjectPermission, User,
};
pub use connection_type::ConnectionType;
pub use credentials::{Credentials, PasswordCheck, Question, Verdict};
pub use directory::{Directory, Renewal};
pub use error::ConfigError;
pub use identity::Identity;
pub use leaf_key::{LeafKey, Shown as ShownKey};
pub use mappings::{Leads, Mappings, MapsTo};
pub use nonce::Nonces;
pub use secret::Secret;
pub use service_import::{ServiceImport, ServiceImports};
pub use sharing::{STREAM_IMPORTS_MAX, sharing_faults};
pub use stream_import::StreamImport;
