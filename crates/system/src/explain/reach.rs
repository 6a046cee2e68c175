//! Who gets a message that goes to a subject of an account.

use monitor::SubscriptionRow;
use serde::Serialize;

/// Queue groups that are told of by name.
const GROUPS_MAX: usize = 64;

/// A subject of an account, and who subscribes to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// The account's name.
    pub account: Box<str>,
    /// The subject that a message has there.
    pub subject: String,
    /// The server itself answers it: the JetStream API, and requests of the system.
    #[serde(skip_serializing_if = "is_false")]
    is_claimed: bool,
    /// Subscriptions of clients that are in no queue group, also through imports: each gets it.
    subscriptions: usize,
    /// The same of parts of the server: streams that store it, and what answers requests.
    services: usize,
    /// One member of each gets it.
    queue_groups: Vec<Group>,
    /// Members of groups that are not told of by name.
    #[serde(skip_serializing_if = "super::is_zero")]
    members_of_more_groups: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Group {
    queue: String,
    members: usize,
}

fn is_false(claimed: &bool) -> bool {
    !claimed
}

impl Reach {
    pub(super) fn new(account: &str, subject: &[u8], is_claimed: bool) -> Self {
        Self {
            account: account.into(),
            subject: String::from_utf8_lossy(subject).into_owned(),
            is_claimed,
            subscriptions: 0,
            services: 0,
            queue_groups: Vec::new(),
            members_of_more_groups: 0,
        }
    }

    /// Counts subscriptions that match the subject.
    pub fn count(&mut self, rows: &[SubscriptionRow]) {
        for row in rows {
            match &row.queue {
                Some(queue) => self.count_member(&String::from_utf8_lossy(queue)),
                None if row.cid == 0 => self.services += 1,
                None => self.subscriptions += 1,
            }
        }
    }

    fn count_member(&mut self, queue: &str) {
        if let Some(group) = self.queue_groups.iter_mut().find(|group| group.queue == queue) {
            group.members += 1;
        } else if self.queue_groups.len() < GROUPS_MAX {
            self.queue_groups.push(Group { queue: queue.to_owned(), members: 1 });
        } else {
            self.members_of_more_groups += 1;
        }
    }
}
