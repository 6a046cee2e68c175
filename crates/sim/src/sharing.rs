//! What the accounts of a run share: all others may import what is published in the first one.

use nats_auth::{Export, ExportKind, Import, ImportKind, Shown};

/// The account that exports, by its number in the run.
const EXPORTER: usize = 0;

/// What the others import of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Nothing.
    #[default]
    Nothing,
    /// Its subjects, as they are.
    AsIs,
    /// The same, with another first token.
    Renamed,
}

impl Sharing {
    /// The subject that clients of account `to` see of a message that was published in account `from`. `None` if they
    /// do not.
    pub(crate) fn seen(self, from: usize, to: usize, subject: &str) -> Option<String> {
        if from == to {
            return Some(subject.to_owned());
        }
        let behind = subject.strip_prefix("s.").filter(|_| from == EXPORTER)?;
        match self {
            Self::Nothing => None,
            Self::AsIs => Some(subject.to_owned()),
            Self::Renamed => Some(format!("i.{behind}")),
        }
    }

    /// A filter of what an account imports instead of one of its own, if it looks like that.
    pub(crate) fn imported(self, account: usize, filter: &str) -> Option<String> {
        let behind = filter.strip_prefix("s.").filter(|_| self == Self::Renamed && account != EXPORTER)?;
        Some(format!("i.{behind}"))
    }

    pub(crate) fn exports(self, account: usize) -> Vec<Export> {
        let export = Export {
            subject: "s.>".into(),
            accounts: Vec::new(),
            account_token_position: 0,
            kind: ExportKind::Stream,
        };
        if account == EXPORTER { vec![export] } else { Vec::new() }
    }

    pub(crate) fn imports(self, account: usize) -> Vec<Import> {
        let shown = match self {
            _ if account == EXPORTER => return Vec::new(),
            Self::Nothing => return Vec::new(),
            Self::AsIs => Shown::Same,
            Self::Renamed => Shown::As("i.$1".into()),
        };
        vec![Import {
            account: account_name(EXPORTER),
            subject: "s.*".into(),
            kind: ImportKind::Stream { shown, allow_trace: false },
        }]
    }
}

/// What an account is called.
pub(crate) fn account_name(account: usize) -> String {
    format!("A{account}")
}
