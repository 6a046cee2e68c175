//! Where mappings and imports carry a message, or a subscription.

use broker::{Broker, ConnectedUser};
use nats_auth::{Directory, Leads};
use subject_trie::{Matches, is_valid_filter, is_valid_literal};

use super::reach::Reach;
use super::{Check, Explanation, Verdict};

/// Places that are told of, each of which is counted on its own; and borders in a row.
const REACHES_MAX: usize = 16;
const HOPS_MAX: usize = 16;

/// Imports of streams that are told of.
const IMPORTS_MAX: usize = 64;

fn directory(broker: &Broker) -> &Directory {
    &broker.settings().directory
}

impl Explanation {
    /// Mappings come first, and permissions are about what they lead to.
    pub(super) fn publish(&mut self, user: &ConnectedUser, broker: &Broker, account: usize) {
        let subject = self.subject.clone();
        if !is_valid_literal(subject.as_bytes()) {
            let why = "no subject to publish to: it is empty, or has wildcards, blanks or empty tokens";
            return self.add(Check::Subject, Verdict::Invalid, why);
        }
        for to in self.mapped(broker, account, &subject) {
            if self.may_publish(user, &to) {
                self.is_allowed = true;
                self.carry(broker, account, to.as_bytes(), 0);
            }
        }
    }

    /// The subjects that a mapping may lead to; the subject itself if none is about it.
    fn mapped(&mut self, broker: &Broker, account: usize, subject: &str) -> Vec<String> {
        let mappings = directory(broker).account(account).mappings();
        let Some(Leads { source, to }) = mappings.leads(subject.as_bytes()) else {
            return vec![subject.to_owned()];
        };
        let source = String::from_utf8_lossy(source).into_owned();
        let chosen: u32 = to.iter().map(|(percent, _)| percent).sum();
        if chosen < 100 {
            let because = format!("the mapping of `{source}` drops {} % of messages", 100 - chosen);
            self.add(Check::Mapping, Verdict::Dropped, because);
        }
        let mut subjects = Vec::new();
        for (percent, to) in to {
            let to = String::from_utf8_lossy(&to).into_owned();
            let because = format!("the mapping of `{source}` leads to `{to}`, {percent} % of messages");
            self.add(Check::Mapping, Verdict::Carried, because);
            subjects.push(to);
        }
        subjects
    }

    /// To who is in the account, and across the borders behind it.
    fn carry(&mut self, broker: &Broker, account: usize, subject: &[u8], hops: usize) {
        if self.reaches.len() == REACHES_MAX || hops == HOPS_MAX {
            self.more += 1;
            return;
        }
        let at = directory(broker).account(account);
        self.reaches.push(Reach::new(at.name(), subject, broker.is_claimed(account, subject)));
        let mut found = Matches::default();
        at.service_imports().collect(subject, &mut found);
        for number in found.plain {
            let import = at.service_imports().at(number);
            let mut there = Vec::new();
            import.rename(subject, &mut there);
            let because = format!(
                "the service `{}` of account {} is imported as `{}`: it goes there as `{}`",
                import.subjects().0,
                directory(broker).account(import.account()).name(),
                import.subjects().1,
                String::from_utf8_lossy(&there)
            );
            self.add(Check::ServiceImport, Verdict::Carried, because);
            for to in self.mapped(broker, import.account(), &String::from_utf8_lossy(&there)) {
                self.carry(broker, import.account(), to.as_bytes(), hops + 1);
            }
        }
    }

    /// What there is in other accounts is had by imports of streams.
    pub(super) fn subscribe(&mut self, user: &ConnectedUser, broker: &Broker, account: usize) {
        let (filter, queue) = (self.subject.clone(), self.queue.clone());
        if !is_valid_filter(filter.as_bytes()) {
            return self.add(Check::Subject, Verdict::Invalid, "no filter: it is empty, or has empty tokens");
        }
        self.is_allowed = self.may_subscribe(user, &filter, queue.as_deref());
        if !self.is_allowed {
            return;
        }
        for import in directory(broker).account(account).stream_imports() {
            let mut there = Vec::new();
            if !import.filter(filter.as_bytes(), &mut there) {
                continue;
            }
            if self.steps.len() == IMPORTS_MAX {
                self.more += 1;
                continue;
            }
            let (far, near) = import.subjects();
            let because = format!(
                "the stream `{far}` of account {} is imported as `{near}`: this is `{}` there",
                directory(broker).account(import.account()).name(),
                String::from_utf8_lossy(&there)
            );
            self.add(Check::StreamImport, Verdict::Carried, because);
        }
    }
}
