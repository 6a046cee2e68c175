//! The links of a stream to those it takes messages from: to one that it is a copy of, or to its sources.

use std::collections::BTreeMap;

use conns::Time;
use js_proto::{SourceInfo, SourceMark, StreamConfig};

use crate::link::Link;
use crate::nuid::Nuid;

/// None for a stream that only takes what is published.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    pub(crate) links: Vec<Link>,
    pub(crate) is_mirror: bool,
    /// Who asks for messages of the stream that this is a copy of may be given them from here, as all shards were told.
    pub(crate) stands_in: bool,
}

impl Relay {
    /// Goes by a configuration: links that it has no more are given back, others stay as they are.
    pub(crate) fn configure(&mut self, config: &StreamConfig, now: Time, nuid: &mut Nuid) -> Vec<Link> {
        let before = std::mem::take(&mut self.links).into_iter();
        let mut before: BTreeMap<String, Link> = before.map(|link| (link.mark.key(), link)).collect();
        self.is_mirror = config.mirror.is_some();
        let mut ways: BTreeMap<&str, usize> = BTreeMap::new();
        config.sources.iter().for_each(|source| *ways.entry(&source.name).or_default() += 1);
        let mut ended = Vec::new();
        for source in config.mirror.iter().chain(&config.sources) {
            let shares_origin = ways.get(&*source.name).is_some_and(|ways| *ways > 1);
            let link = match before.remove(&SourceMark::of(source).key()) {
                // What it asks for has another name otherwise.
                Some(link) if link.source == *source && link.shares_origin == shares_origin => link,
                other => {
                    ended.extend(other);
                    Link::new(source, shares_origin, now, nuid.number())
                }
            };
            self.links.push(link);
        }
        ended.extend(before.into_values());
        ended
    }

    /// The one of that attempt.
    pub(crate) fn by_tag(&self, tag: u32) -> Option<usize> {
        self.links.iter().position(|link| link.tag() == Some(tag))
    }

    /// When one of them does something by itself.
    pub(crate) fn due(&self) -> Option<Time> {
        self.links.iter().map(|link| link.due).min()
    }

    pub(crate) fn mirror_info(&self, now: Time) -> Option<SourceInfo> {
        self.links.first().filter(|_| self.is_mirror).map(|link| link.info_of_mirror(now))
    }

    pub(crate) fn source_infos(&self, now: Time) -> Vec<SourceInfo> {
        let links = self.links.iter().filter(|_| !self.is_mirror);
        links.map(|link| link.info(now)).collect()
    }
}
