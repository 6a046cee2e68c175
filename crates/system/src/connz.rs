//! The options that only CONNZ has.

use monitor::{ConnzQuery, Sort, State, Subs};
use nats_proto::go_json::Field;

/// Which connections to tell of, and what. They are called otherwise here than over HTTP.
#[derive(Debug, Default)]
pub(crate) struct ConnzOptions {
    sort: String,
    auth: bool,
    subscriptions: bool,
    subscriptions_detail: bool,
    offset: i64,
    limit: i64,
    cid: u64,
    mqtt_client: String,
    state: i64,
    user: String,
    acc: String,
    filter_subject: String,
}

impl ConnzOptions {
    /// The field of that name.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "sort" => &mut self.sort,
            "auth" => &mut self.auth,
            "subscriptions" => &mut self.subscriptions,
            "subscriptions_detail" => &mut self.subscriptions_detail,
            "offset" => &mut self.offset,
            "limit" => &mut self.limit,
            "cid" => &mut self.cid,
            "mqtt_client" => &mut self.mqtt_client,
            "state" => &mut self.state,
            "user" => &mut self.user,
            "acc" => &mut self.acc,
            "filter_subject" => &mut self.filter_subject,
            _ => return None,
        })
    }

    /// What Go calls the type of the field of that name, where it is not a plain one.
    pub(crate) fn go_type_of(name: &str) -> Option<&'static str> {
        match name {
            "sort" => Some("server.SortOpt"),
            "state" => Some("server.ConnState"),
            _ => None,
        }
    }

    /// The question: about the connections of that account, if it is about one.
    ///
    /// # Errors
    /// It makes no sense: what there is to say.
    pub(crate) fn query(self, account: Option<&str>) -> Result<ConnzQuery, String> {
        let [user, own, filter] = [self.user, self.acc, self.filter_subject].map(given);
        let account = account.map(str::to_owned).or(own);
        let state = State::numbered(self.state);
        let sort = Sort::named(&self.sort, state)?;
        let filter_subject = filter.filter(|filter| filter != ">");
        if filter_subject.is_some() && account.is_none() {
            return Err("filter by subject only valid with account filtering".into());
        }
        let subs = match (self.subscriptions, self.subscriptions_detail) {
            (_, true) => Subs::Detail,
            (true, false) => Subs::List,
            (false, false) => Subs::Count,
        };
        let query = ConnzQuery {
            auth: self.auth,
            subs,
            state,
            mqtt_client: !self.mqtt_client.is_empty(),
            user,
            account,
            filter_subject,
            sort,
            ..ConnzQuery::default()
        };
        Ok(query.paged(self.offset, self.limit, self.cid))
    }
}

/// What is empty is not given.
pub(crate) fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 does.
    #[test]
    fn a_question_about_connections_has_to_make_sense() {
        let query = |options: ConnzOptions| options.query(None);
        let text = str::to_owned;
        assert_eq!(query(ConnzOptions::default()).unwrap(), ConnzQuery::default().paged(0, 0, 0));
        let sorted =
            |sort: &str, state| query(ConnzOptions { sort: text(sort), state, ..Default::default() });
        assert_eq!(sorted("x", 0).unwrap_err(), "invalid sorting option: x");
        assert_eq!(sorted("stop", 2).unwrap_err(), "sort by stop only valid on closed connections");
        assert_eq!(sorted("stop", 1).unwrap().sort, Sort::Stop);
        assert_eq!(sorted("", 7).unwrap().state, State::Neither);
        let filtered = |acc: &str, filter: &str| {
            let (acc, filter_subject) = (text(acc), text(filter));
            query(ConnzOptions { acc, filter_subject, ..ConnzOptions::default() })
        };
        assert!(filtered("", "foo").is_err() && filtered("", ">").is_ok());
        assert_eq!(filtered("A", "foo").unwrap().filter_subject.as_deref(), Some("foo"));
        let of_another = ConnzOptions { acc: text("B"), ..ConnzOptions::default() };
        assert_eq!(of_another.query(Some("A")).unwrap().account.as_deref(), Some("A"), "it has no say");
        let one = query(ConnzOptions { cid: 7, limit: 5, offset: -1, ..ConnzOptions::default() }).unwrap();
        assert_eq!((one.cid, one.limit, one.offset), (Some(7), 1, 0));
    }
}
