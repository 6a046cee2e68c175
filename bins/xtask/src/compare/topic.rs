//! What is compared: core NATS, JetStream, two servers with a route between them or HTTP, each with a table of its own.

use super::bars::{self, Load};
use super::{jetstream, routes, web};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Topic {
    Core,
    JetStream,
    Routes,
    Web,
}

impl Topic {
    pub(crate) fn loads(self) -> &'static [Load] {
        match self {
            Self::Core => &bars::LOADS,
            Self::JetStream => &jetstream::LOADS,
            Self::Routes => &routes::LOADS,
            Self::Web => &web::LOADS,
        }
    }

    /// nats-server has nothing to hold against it.
    pub(crate) fn is_ours_alone(self) -> bool {
        self == Self::Web
    }

    /// Arguments that every server gets under every load.
    pub(crate) fn all(self) -> &'static [&'static str] {
        match self {
            Self::Core | Self::Web => &[],
            Self::JetStream => jetstream::STORED,
            Self::Routes => routes::ROUTED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_load_has_a_name_of_its_own_and_a_bar_in_every_row() {
        for topic in [Topic::Core, Topic::JetStream, Topic::Routes, Topic::Web] {
            let names: BTreeSet<&str> = topic.loads().iter().map(|load| load.name).collect();
            assert_eq!(names.len(), topic.loads().len());
            assert!(topic.loads().iter().flat_map(|load| load.rows).all(|row| !row.bars.is_empty()));
            let is_of_streams = |load: &Load| load.args[0].starts_with("js-");
            assert!(topic.loads().iter().all(|load| is_of_streams(load) == (topic == Topic::JetStream)));
        }
    }
}
