//! Requests that are turned down while the connection stays: what the client is told, and what the log says.
//! Both are nats-server's words, which differ.

use conns::ConnId;
use nats_proto::{Subscribe, quote, show};

use crate::broker::Broker;

/// What is said of a request that is turned down.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// The text of `-ERR`.
    pub(crate) wire: String,
    log: String,
}

impl Complaint {
    pub(crate) fn of_subject(subject: &[u8]) -> Self {
        let subject = quote(subject);
        Self {
            wire: format!("Permissions Violation for Publish to {subject}"),
            log: format!("Publish Violation - Subject {subject}"),
        }
    }

    pub(crate) fn of_reply(reply: &[u8]) -> Self {
        let reply = quote(reply);
        Self {
            wire: format!("Permissions Violation for Publish with Reply of {reply}"),
            log: format!("Publish Violation - Reply {reply}"),
        }
    }

    pub(crate) fn of_subscription(subscribe: &Subscribe<'_>) -> Self {
        let Subscribe { subject, queue, sid } = subscribe;
        let queue = queue.map(|queue| format!(", Queue: {}", quote(queue))).unwrap_or_default();
        Self {
            wire: subscription_violation(subscribe.subject, subscribe.queue),
            log: format!("Subscription Violation - Subject {}{queue}, SID {}", quote(subject), show(sid)),
        }
    }

    pub(crate) fn of_tokens(subscribe: &Subscribe<'_>) -> Self {
        let (subject, sid) = (quote(subscribe.subject), show(subscribe.sid));
        Self {
            wire: format!("{}, too many tokens", subscription_violation(subscribe.subject, None)),
            log: format!("Subscription Violation Too Many Tokens - Subject {subject}, SID {sid}"),
        }
    }
}

/// The `-ERR` text for a subscription that is not permitted.
pub(crate) fn subscription_violation(subject: &[u8], queue: Option<&[u8]>) -> String {
    let queue = queue.map(|queue| format!(" using queue {}", quote(queue))).unwrap_or_default();
    format!("Permissions Violation for Subscription to {}{queue}", quote(subject))
}

impl Broker {
    /// Tells a client that it may not have what it asked for, and the log.
    #[cold]
    pub(crate) fn complain(&mut self, id: ConnId, complaint: &Complaint) {
        if let Some(journey) = &mut self.egress.journey {
            journey.refuse(&complaint.wire);
        }
        self.egress.send_err(id, &complaint.wire);
        tracing::error!("{} - {}", self.egress.clients.at(id).label, complaint.log);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What nats-server 2.14.5 said.
    #[test]
    fn the_words_are_the_peers() {
        let said = |complaint: Complaint| (complaint.wire, complaint.log);
        let words = |wire: &str, log: &str| (wire.to_owned(), log.to_owned());
        assert_eq!(
            said(Complaint::of_subject(b"p\x1b")),
            words(
                r#"Permissions Violation for Publish to "p\x1b""#,
                r#"Publish Violation - Subject "p\x1b""#
            )
        );
        assert_eq!(
            said(Complaint::of_reply(b"_R_.")),
            words(
                r#"Permissions Violation for Publish with Reply of "_R_.""#,
                r#"Publish Violation - Reply "_R_.""#
            )
        );
        let plain = Subscribe { subject: b"s", queue: None, sid: b"7" };
        assert_eq!(
            said(Complaint::of_subscription(&plain)),
            words(
                r#"Permissions Violation for Subscription to "s""#,
                r#"Subscription Violation - Subject "s", SID 7"#
            )
        );
        let grouped = Subscribe { subject: b"y\x1b", queue: Some(b"q\x7f\xff"), sid: b"s-1" };
        assert_eq!(
            said(Complaint::of_subscription(&grouped)),
            words(
                r#"Permissions Violation for Subscription to "y\x1b" using queue "q\x7f\xff""#,
                r#"Subscription Violation - Subject "y\x1b", Queue: "q\x7f\xff", SID s-1"#
            )
        );
        assert_eq!(
            said(Complaint::of_tokens(&grouped)),
            words(
                r#"Permissions Violation for Subscription to "y\x1b", too many tokens"#,
                r#"Subscription Violation Too Many Tokens - Subject "y\x1b", SID s-1"#
            )
        );
    }
}
