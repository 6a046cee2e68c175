//! Priority groups: what a consumer was told of them, what a request says of its own, and who is pinned.

use std::sync::Arc;

use js_proto::{ConsumerConfig, PriorityPolicy};

/// What a consumer with groups was told of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Priorities {
    pub(crate) policy: PriorityPolicy,
    pub(crate) groups: Box<[Arc<str>]>,
    /// How long who is pinned may ask for nothing.
    pub(crate) timeout: i64,
}

impl Priorities {
    /// None if all requests are alike.
    pub(crate) fn new(config: &ConsumerConfig) -> Option<Box<Self>> {
        (config.priority_policy != PriorityPolicy::None).then(|| {
            Box::new(Self {
                policy: config.priority_policy,
                groups: config.priority_groups.iter().map(|group| group.as_str().into()).collect(),
                timeout: config.priority_timeout.0,
            })
        })
    }

    /// One of that name.
    pub(crate) fn group(&self, name: &str) -> Option<&Arc<str>> {
        self.groups.iter().find(|group| ***group == *name)
    }
}

/// What a request says of who is to be served.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) group: Arc<str>,
    /// Zero is any number, as below.
    pub(crate) min_pending: i64,
    pub(crate) min_ack_pending: i64,
    /// As whom it asks.
    pub(crate) pin: Option<Arc<str>>,
}

/// Who is served alone.
#[derive(Debug)]
pub(crate) struct Pinned {
    pub(crate) id: Arc<str>,
    pub(crate) group: Arc<str>,
    /// On the clock that is shown.
    pub(crate) since: i64,
    /// Unless it asks before.
    pub(crate) until: i64,
}
