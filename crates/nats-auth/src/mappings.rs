//! Messages that go to another subject than they were published to.

use hashbrown::HashSet;
use nats_proto::quote;
use subject_trie::{Transform, filter_covers, has_wildcard};

use crate::config::{Destination, Mapping};
use crate::error::ConfigError;

/// All mappings of an account, in the order of the file.
#[derive(Debug, Default)]
pub struct Mappings {
    mappings: Vec<Mapped>,
}

#[derive(Debug)]
struct Mapped {
    source: Box<[u8]>,
    /// In the order of their weights; what is above the last one's `up_to` is dropped.
    destinations: Vec<MapsTo>,
}

/// Where a mapping leads.
#[derive(Debug)]
pub struct MapsTo {
    /// As it was written.
    pub subject: Box<str>,
    /// The percentage up to which it is chosen, from that of the one before it.
    pub up_to: u32,
    transform: Transform,
}

/// Where a mapping leads, for a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leads<'a> {
    /// The subjects that it is for.
    pub source: &'a [u8],
    /// Of a hundred messages, how many go to which subject. What is missing to a hundred is dropped.
    pub to: Vec<(u32, Vec<u8>)>,
}

/// The functions that mappings may use; streams may use more.
const FUNCTIONS: [&str; 8] = [
    "partition",
    "wildcard",
    "splitfromleft",
    "splitfromright",
    "slicefromleft",
    "slicefromright",
    "split",
    "random",
];

impl Mappings {
    /// Reads mappings. A later one of the same source takes the place of an earlier one.
    pub(crate) fn new(mappings: &[Mapping]) -> Result<Self, ConfigError> {
        let mut made: Vec<Mapped> = Vec::new();
        for mapping in mappings {
            let mapped = Mapped::new(mapping)?;
            match made.iter_mut().find(|other| other.source == mapped.source) {
                Some(other) => *other = mapped,
                None => made.push(mapped),
            }
        }
        Ok(Self { mappings: made })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.mappings.is_empty()
    }

    /// Each source with its destinations.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[MapsTo])> {
        self.mappings.iter().map(|mapped| (&*mapped.source, &*mapped.destinations))
    }

    /// How many there are: looking for the one of a subject takes a look at each.
    pub fn len(&self) -> usize {
        self.mappings.len()
    }

    /// Puts the subject that a message to `subject` goes to in `into`; an empty one if the message is
    /// dropped. Returns false if no mapping is for the subject. `random` is asked for numbers.
    pub fn apply(&self, subject: &[u8], mut random: impl FnMut() -> u32, into: &mut Vec<u8>) -> bool {
        let Some(mapped) = self.mappings.iter().find(|mapped| mapped.is_for(subject)) else { return false };
        into.clear();
        let draw = match &mapped.destinations[..] {
            [MapsTo { up_to: 100, .. }] => 0,
            _ => random() % 100,
        };
        if let Some(to) = mapped.destinations.iter().find(|to| draw < to.up_to) {
            to.transform.apply(subject, random, into);
        }
        true
    }

    /// Where the mapping of a subject leads; `None` if none is for the subject.
    pub fn leads(&self, subject: &[u8]) -> Option<Leads<'_>> {
        let mapped = self.mappings.iter().find(|mapped| mapped.is_for(subject))?;
        let mut before = 0;
        let to = mapped.destinations.iter().map(|to| {
            let mut into = Vec::new();
            to.transform.apply(subject, || 0, &mut into);
            let percent = to.up_to - before;
            before = to.up_to;
            (percent, into)
        });
        Some(Leads { source: &mapped.source, to: to.collect() })
    }
}

impl Mapping {
    /// What is wrong with its destinations, in nats-server's words. The source is to be a filter.
    pub fn fault(&self) -> Option<String> {
        read_destinations(&self.source, &self.destinations).err()
    }
}

impl Mapped {
    fn new(mapping: &Mapping) -> Result<Self, ConfigError> {
        let Mapping { source, destinations } = mapping;
        if !subject_trie::is_valid_filter(source.as_bytes()) {
            return Err(ConfigError::MappingSource(source.clone()));
        }
        let for_cluster = |to: &&Destination| to.cluster.as_ref().is_some_and(|name| !name.is_empty());
        if let Some(Destination { subject, .. }) = destinations.iter().find(for_cluster) {
            return Err(ConfigError::MappingCluster { filter: source.clone(), subject: subject.clone() });
        }
        let destinations =
            read_destinations(source, destinations).map_err(|reason| match &destinations[..] {
                [Destination { subject, weight: 100, .. }] => {
                    ConfigError::MappingTo { filter: source.clone(), subject: subject.clone(), reason }
                }
                _ => ConfigError::Mapping { filter: source.clone(), reason },
            })?;
        Ok(Self { source: source.as_bytes().into(), destinations })
    }

    fn is_for(&self, subject: &[u8]) -> bool {
        *self.source == *subject || filter_covers(&self.source, subject)
    }
}

/// The destinations in the order of their weights; or what is wrong with them, in nats-server's words.
fn read_destinations(source: &str, destinations: &[Destination]) -> Result<Vec<MapsTo>, String> {
    let mut seen = HashSet::new();
    let (mut weights, mut chosen) = (0, Vec::new());
    for Destination { subject, weight, .. } in destinations {
        if !seen.insert(subject.as_str()) {
            return Err(format!("duplicate entry for {}", quote(subject)));
        }
        weights += u32::from(*weight);
        if *weight > 100 {
            return Err("individual weights need to be <= 100".into());
        }
        if weights > 100 {
            return Err("total weight needs to be <= 100".into());
        }
        let transform = read_destination(source, subject)?;
        chosen.push(MapsTo { subject: subject.as_str().into(), up_to: u32::from(*weight), transform });
    }
    // What is left stays where it is, unless the source is named among the destinations: then it is meant
    // to be lost.
    if weights != 100 && !seen.contains(source) {
        let subject = numbered(source);
        let transform = Transform::new(source, &subject).map_err(|error| error.to_string())?;
        chosen.push(MapsTo { subject: subject.into(), up_to: 100 - weights, transform });
    }
    chosen.sort_by_key(|to| to.up_to);
    let mut sum = 0;
    for to in &mut chosen {
        sum += to.up_to;
        to.up_to = sum;
    }
    Ok(chosen)
}

/// The transform, or nats-server's words for what is wrong with it.
fn read_destination(source: &str, subject: &str) -> Result<Transform, String> {
    const INVALID: &str = "invalid mapping destination: invalid transform";
    let mut ended = false;
    for token in subject.split('.') {
        if token.is_empty() {
            return Err(INVALID.into());
        }
        if ended {
            return Err(format!("{INVALID} in {token}"));
        }
        if let Some(call) = token.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")) {
            let name = call.trim_start().split(['(', ' ']).next().unwrap_or_default();
            if !call.is_empty() && !FUNCTIONS.contains(&name.to_lowercase().as_str()) {
                return Err(format!("invalid mapping destination: unknown function in {token}"));
            }
        } else if token.contains(['\t', '\n', '\x0c', '\r', ' ']) {
            return Err(INVALID.into());
        }
        ended = token == ">";
    }
    Transform::new(source, subject).map_err(|error| error.to_string())
}

/// The source as a destination: what it matches stays as it is.
fn numbered(source: &str) -> String {
    if !has_wildcard(source.as_bytes()) {
        return source.to_owned();
    }
    let mut wildcards = 0;
    let tokens = source.split('.').map(|token| {
        if token != "*" {
            return token.to_owned();
        }
        wildcards += 1;
        format!("${wildcards}")
    });
    tokens.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(destinations: &[(&str, u8)]) -> Mapping {
        from("a.*", destinations)
    }

    fn from(source: &str, destinations: &[(&str, u8)]) -> Mapping {
        let destination = |(subject, weight): &(&str, u8)| Destination {
            subject: (*subject).to_owned(),
            weight: *weight,
            cluster: None,
        };
        Mapping { source: source.to_owned(), destinations: destinations.iter().map(destination).collect() }
    }

    fn mapped(mapping: &Mapping, subject: &str, draw: u32) -> Option<String> {
        let mut into = b"old".to_vec();
        let mappings = Mappings::new(std::slice::from_ref(mapping)).unwrap();
        mappings.apply(subject.as_bytes(), || draw, &mut into).then(|| String::from_utf8(into).unwrap())
    }

    fn error(mapping: &Mapping) -> String {
        Mappings::new(std::slice::from_ref(mapping)).unwrap_err().to_string()
    }

    #[test]
    fn destinations_are_chosen_by_weight_and_the_rest_stays() {
        let mapping = to(&[("b.$1", 60), ("c", 20)]);
        for (draw, expected) in [(0, "c"), (20, "a.x"), (39, "a.x"), (40, "b.x"), (99, "b.x"), (140, "b.x")] {
            assert_eq!(mapped(&mapping, "a.x", draw).unwrap(), expected, "{draw}");
        }
        assert_eq!(mapped(&mapping, "b.x", 0), None);
    }

    // A message to a.> went where those to a.* go.
    #[test]
    fn wildcards_of_a_publisher_stand_for_what_they_match() {
        for (source, subject, is_mapped) in [
            ("a.*", "a.>", false),
            ("a.*", "a.*", true),
            ("a.b", "a.*", false),
            ("a.>", "a.*", true),
            ("a.>", "a.>", true),
            ("a.>", "a", false),
            ("a.*", "a.", false),
            ("*", ">", false),
        ] {
            let to = if source.ends_with('>') { "b.>" } else { "b" };
            let mapping = from(source, &[(to, 100)]);
            assert_eq!(mapped(&mapping, subject, 0).is_some(), is_mapped, "{subject} by {source}");
        }
    }

    #[test]
    fn what_stays_is_listed_with_the_rest() {
        let mappings = Mappings::new(&[to(&[("b.$1", 60), ("c", 20)])]).unwrap();
        let listed: Vec<_> = mappings
            .iter()
            .map(|(source, all)| (source, all.iter().map(|to| (&*to.subject, to.up_to)).collect::<Vec<_>>()))
            .collect();
        assert_eq!(listed, [(&b"a.*"[..], vec![("c", 20), ("a.$1", 40), ("b.$1", 100)])]);
    }

    #[test]
    fn naming_the_source_means_to_lose_the_rest() {
        let mapping = from("a", &[("a", 10), ("b", 20)]);
        for (draw, expected) in [(9, "a"), (10, "b"), (29, "b"), (30, ""), (99, "")] {
            assert_eq!(mapped(&mapping, "a", draw).unwrap(), expected, "{draw}");
        }
    }

    /// The words are nats-server's, behind its place in the file.
    #[test]
    fn mappings_that_make_no_sense_are_refused() {
        assert_eq!(
            error(&to(&[("b", 60), ("c", 60)])),
            "Error adding mapping for \"a.*\" : total weight needs to be <= 100"
        );
        assert_eq!(
            error(&to(&[("b", 60), ("b", 20)])),
            "Error adding mapping for \"a.*\" : duplicate entry for \"b\""
        );
        assert_eq!(
            error(&to(&[("b.{{left(1,2)}}", 100)])),
            "Error adding mapping for \"a.*\" to \"b.{{left(1,2)}}\" : invalid mapping destination: unknown function in {{left(1,2)}}"
        );
        assert_eq!(
            error(&to(&[("b..c", 100)])),
            "Error adding mapping for \"a.*\" to \"b..c\" : invalid mapping destination: invalid transform"
        );
        assert_eq!(error(&from("a..b", &[("b", 100)])), "Subject \"a..b\" is not a valid subject");
        let mut scoped = to(&[("b", 100)]);
        scoped.destinations[0].cluster = Some("east".into());
        assert!(error(&scoped).contains("clusters are not supported"), "{}", error(&scoped));
    }
}
