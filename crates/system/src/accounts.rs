//! The options that only ACCOUNTZ and STATZ have.

use monitor::AccstatzQuery;
use nats_proto::go_json::Field;

use crate::connz::given;

/// Which account to tell all of.
#[derive(Debug, Default)]
pub(crate) struct AccountzOptions {
    account: String,
}

impl AccountzOptions {
    /// The field of that name.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        match name {
            "account" => Some(&mut self.account),
            _ => None,
        }
    }

    /// The account that is asked for, if it is one.
    pub(crate) fn account(self) -> Option<String> {
        given(self.account)
    }
}

/// What accounts to tell the doings of.
#[derive(Debug, Default)]
pub(crate) struct StatzOptions {
    accounts: Vec<String>,
    include_unused: bool,
}

impl StatzOptions {
    /// The field of that name.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "accounts" => &mut self.accounts,
            "include_unused" => &mut self.include_unused,
            _ => return None,
        })
    }

    /// The question: about that account, if it is about one.
    pub(crate) fn query(self, account: Option<&str>) -> AccstatzQuery {
        let accounts = account.map_or(self.accounts, |account| vec![account.to_owned()]);
        AccstatzQuery { accounts, unused: self.include_unused }
    }
}
