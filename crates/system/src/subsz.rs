//! The options that only SUBSZ has.

use monitor::SubszQuery;
use nats_proto::go_json::Field;

use crate::connz::given;

/// Which subscriptions to tell of.
#[derive(Debug, Default)]
pub(crate) struct SubszOptions {
    offset: i64,
    limit: i64,
    subscriptions: bool,
    account: String,
    test: String,
}

impl SubszOptions {
    /// The field of that name.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "offset" => &mut self.offset,
            "limit" => &mut self.limit,
            "subscriptions" => &mut self.subscriptions,
            "account" => &mut self.account,
            "test" => &mut self.test,
            _ => return None,
        })
    }

    /// The question: about that account, if it is about one; then subscriptions are listed.
    ///
    /// # Errors
    /// It makes no sense: what there is to say.
    pub(crate) fn query(self, account: Option<&str>) -> Result<SubszQuery, String> {
        let query = SubszQuery {
            subs: self.subscriptions || account.is_some(),
            offset: 0,
            limit: 0,
            account: account.map(str::to_owned).or_else(|| given(self.account)),
            test: given(self.test),
        };
        query.paged(self.offset, self.limit).checked()
    }
}
