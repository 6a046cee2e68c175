//! Who may do what: users, accounts and permissions, from a configuration to a verdict.
//!
//! [`Config`] is what a configuration file says.
#![forbid(unsafe_code)]

mod config;
mod secret;

pub use config::{
    AUTH_TIMEOUT, AccountConfig, AccountLimits, Config, Destination, Identity, Mapping, Permissions,
    RESPONSES_UNLIMITED, ResponsePermission, SubjectPermission, User,
};
pub use secret::Secret;
