//! `/subsz`: how subjects are looked up, and subscriptions.

use serde::Serialize;

use crate::Clock;
use crate::answer::Answer;
use crate::moment::Moment;
use crate::parameters::{Parameters, limit_of, offset_of};
use crate::snapshot::{Lookups, Subjects, SubscriptionFilter, SubscriptionRow};

/// Subscriptions shown if nothing is said about it.
const LIMIT: usize = 1024;

const WRONG_TEST: &str = "invalid test subject, must be valid publish subject: ";

/// Which subscriptions to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubszQuery {
    /// `subs`: show them, not just their number.
    pub subs: bool,
    /// `offset`: subscriptions to leave out.
    pub offset: usize,
    /// `limit`: subscriptions to show at most.
    pub limit: usize,
    /// `acc`: just those of this account.
    pub account: Option<String>,
    /// `test`: just those that a message on this subject would match.
    pub test: Option<String>,
}

impl SubszQuery {
    pub(crate) fn read(parameters: &Parameters) -> Result<Self, Answer> {
        let query = Self {
            subs: parameters.flag("subs")?,
            offset: parameters.offset()?,
            limit: parameters.limit(LIMIT)?,
            account: parameters.owned("acc"),
            test: parameters.owned("test"),
        };
        let words = [WRONG_TEST.as_bytes(), parameters.bytes("test").unwrap_or_default()].concat();
        query.checked().map_err(|_| Answer::bad_request(words))
    }

    /// With what a message says: from where on, and how many. What is not above zero says nothing.
    pub fn paged(self, offset: i64, limit: i64) -> Self {
        Self { offset: offset_of(offset), limit: limit_of(limit, LIMIT), ..self }
    }

    /// The question, if it makes sense.
    ///
    /// # Errors
    /// Nothing can be published to the subject of the test: what there is to say.
    pub fn checked(self) -> Result<Self, String> {
        match &self.test {
            Some(subject) if !is_literal(subject) => Err(format!("{WRONG_TEST}{subject}")),
            _ => Ok(self),
        }
    }

    /// What to ask the shards for.
    pub fn filter(&self) -> SubscriptionFilter {
        let subjects = self.test.clone().map_or(Subjects::All, Subjects::Matching);
        SubscriptionFilter { account: self.account.clone(), subjects, ..SubscriptionFilter::default() }
    }
}

/// Whether it is a subject without wildcards. Blanks are not looked at, as in nats-server.
fn is_literal(subject: &str) -> bool {
    subject.split('.').all(|token| !matches!(token, "" | "*" | ">"))
}

/// What `/subsz` needs to answer.
#[derive(Debug)]
pub struct Subsz<'a> {
    /// The server's id.
    pub server_id: &'a str,
    /// The shards' clock.
    pub clock: Clock,
    /// How many there are in the accounts that were asked for.
    pub subscriptions: u64,
    /// How their subjects are looked up.
    pub lookups: Lookups,
    /// How many match, if they are shown.
    pub total: usize,
    /// Those to show.
    pub shown: Vec<SubscriptionRow>,
}

impl Subsz<'_> {
    /// What there is to say.
    pub fn text<'s>(&'s self, query: &SubszQuery) -> impl Serialize + use<'s> {
        SubszText {
            server_id: self.server_id,
            now: self.clock.now,
            stats: LookupsText::of(self.subscriptions, self.lookups),
            total: self.total,
            offset: query.offset,
            limit: query.limit,
            subscriptions_list: self.shown.iter().map(|row| SubscriptionText::of(row, true)).collect(),
        }
    }
}

#[derive(Serialize)]
struct SubszText<'a> {
    server_id: &'a str,
    now: Moment,
    #[serde(flatten)]
    stats: LookupsText,
    total: usize,
    offset: usize,
    limit: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list: Vec<SubscriptionText>,
}

/// How subjects are looked up, as nats-server says it.
#[derive(Debug, Serialize)]
pub(crate) struct LookupsText {
    num_subscriptions: u64,
    num_cache: u64,
    num_inserts: u64,
    num_removes: u64,
    num_matches: u64,
    cache_hit_rate: f64,
    max_fanout: u64,
    avg_fanout: f64,
}

impl LookupsText {
    pub(crate) fn of(subscriptions: u64, lookups: Lookups) -> Self {
        let rate = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        Self {
            num_subscriptions: subscriptions,
            num_cache: lookups.cached,
            num_inserts: lookups.inserts,
            num_removes: lookups.removes,
            num_matches: lookups.lookups,
            cache_hit_rate: rate(lookups.hits, lookups.lookups),
            max_fanout: lookups.fanout_max,
            avg_fanout: rate(lookups.fanout_sum, lookups.cached),
        }
    }
}

/// One subscription.
#[derive(Serialize)]
pub(crate) struct SubscriptionText {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_tag: Option<String>,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    qgroup: Option<String>,
    sid: String,
    msgs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u64>,
    cid: u64,
}

impl SubscriptionText {
    /// With the account it is in where that is not said otherwise.
    pub(crate) fn of(row: &SubscriptionRow, with_account: bool) -> Self {
        let account = with_account.then(|| row.account.to_string());
        Self {
            account_tag: account.clone(),
            account,
            subject: text(&row.subject),
            qgroup: row.queue.as_deref().map(text),
            sid: text(&row.sid),
            msgs: row.msgs,
            max: Some(row.max).filter(|max| *max > 0),
            cid: row.cid,
        }
    }
}

/// What clients say is bytes; JSON is text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
