//! `$BUSTER.EXPLAIN.PUBLISH` and `$BUSTER.EXPLAIN.SUBSCRIBE`: which rule lets the connection that asks publish or subscribe
//! to something or does not, where mappings and imports carry it, and who would get it. Nothing is done about it.

mod permission;
mod reach;
mod walk;

use broker::{Broker, ConnectedUser};
use serde::Serialize;

pub use self::reach::Reach;

/// Why something goes where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    #[serde(rename = "type")]
    kind: &'static str,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    user: Box<str>,
    account: Box<str>,
    /// Whether the server would do it.
    is_allowed: bool,
    /// What is looked at, in that order.
    steps: Vec<Step>,
    /// Who gets a message, where it may go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reaches: Vec<Reach>,
    /// Imports and places beyond those that are told of.
    #[serde(skip_serializing_if = "is_zero")]
    more: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// One thing that is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Step {
    check: Check,
    verdict: Verdict,
    because: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Check {
    Subject,
    Mapping,
    Permission,
    ServiceImport,
    StreamImport,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Allowed,
    Denied,
    Invalid,
    Carried,
    Dropped,
}

/// What is to be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Publish,
    Subscribe,
}

impl Explanation {
    /// Explains what a user would do: `text` is the subject and, behind a blank, the queue group of a subscription.
    /// [`Self::reaches`] is to be counted yet.
    pub(crate) fn new(deed: Deed, text: &str, user: &ConnectedUser, broker: &Broker) -> Self {
        let mut words = text.split_ascii_whitespace();
        let subject = words.next().unwrap_or_default();
        let (kind, queue) = match deed {
            Deed::Publish => ("io.buster.explain.v1.publish", None),
            Deed::Subscribe => ("io.buster.explain.v1.subscribe", words.next()),
        };
        let mut explanation = Self {
            kind,
            subject: subject.to_owned(),
            queue: queue.map(str::to_owned),
            user: user.name.clone(),
            account: (*user.account).into(),
            is_allowed: false,
            steps: Vec::new(),
            reaches: Vec::new(),
            more: 0,
        };
        let account =
            broker.settings().directory.accounts().iter().position(|account| account.name() == &user.account);
        match (deed, account) {
            (_, None) => explanation.add(Check::Subject, Verdict::Invalid, "the account is gone"),
            (Deed::Publish, Some(account)) => explanation.publish(user, broker, account),
            (Deed::Subscribe, Some(account)) => explanation.subscribe(user, broker, account),
        }
        explanation
    }

    /// Where a message may go, to be counted who is there.
    pub fn reaches(&mut self) -> &mut [Reach] {
        &mut self.reaches
    }

    fn add(&mut self, check: Check, verdict: Verdict, because: impl Into<String>) {
        self.steps.push(Step { check, verdict, because: because.into() });
    }
}
