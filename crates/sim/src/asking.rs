//! Services that accounts of a run import: each those of the account before it, so that what the last one asks crosses
//! all borders.

use nats_auth::{Export, ExportKind, Import, ImportKind, ResponseType, ServiceTerms};

use crate::sharing::account_name;

/// How services answer what is asked across borders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Asking {
    /// There are none.
    #[default]
    Nothing,
    /// Once.
    Once,
    /// As often as they like.
    Often,
}

impl Asking {
    /// The subject of that service, in an account.
    pub(crate) fn subject(account: usize, number: usize) -> String {
        format!("{}{number}", prefix(account))
    }

    /// A filter of all services, in an account.
    pub(crate) fn all(account: usize) -> String {
        format!("{}*", prefix(account))
    }

    /// The subject that clients of account `to` see of what is published in account `from`, if it crosses borders.
    pub(crate) fn asked(self, from: usize, to: usize, subject: &str) -> Option<String> {
        let number = subject.strip_prefix(&prefix(from)).filter(|_| self != Self::Nothing && to < from)?;
        Some(format!("{}{number}", prefix(to)))
    }

    pub(crate) fn exports(self, account: usize) -> Option<Export> {
        let responses = match self {
            Self::Nothing => return None,
            Self::Once => ResponseType::Singleton,
            Self::Often => ResponseType::Stream,
        };
        Some(Export {
            subject: Self::all(account),
            accounts: Vec::new(),
            account_token_position: 0,
            kind: ExportKind::Service(ServiceTerms { responses, ..ServiceTerms::default() }),
        })
    }

    pub(crate) fn imports(self, account: usize) -> Option<Import> {
        let before = account.checked_sub(1).filter(|_| self != Self::Nothing)?;
        let kind = ImportKind::Service { to: Self::all(account), share: false };
        Some(Import { account: account_name(before), subject: Self::all(before), kind })
    }
}

fn prefix(account: usize) -> String {
    format!("q{account}.")
}
