//! What a consumer of this server may be told by its metadata, beside what nats-server knows: keys that begin with
//! `buster.`. Another server keeps them and does nothing about them.

use crate::{
    AckPolicy, ApiError, ConsumerConfig, DeliverPolicy, NAME_BYTES_MAX, PriorityPolicy, ReplayPolicy,
    StreamConfig, errors, is_asset_name,
};

/// What all of them begin with. A key that does and is not known is refused, so that no mistake goes unseen.
const PREFIX: &str = "buster.";

/// The stream in which messages are kept that the consumer does not deliver any more.
pub const DEAD_LETTERS: &str = "buster.dead_letters";

/// The group that the consumer is a member of, or is itself if that is its name.
pub const GROUP: &str = "buster.group";
/// Which tokens of a subject are its key in that group.
pub const GROUP_KEY: &str = "buster.key";
/// Into how many lanes keys fall.
pub const GROUP_LANES: &str = "buster.lanes";
/// What stays in its order.
pub const GROUP_ORDER: &str = "buster.order";

const KNOWN: [&str; 5] = [DEAD_LETTERS, GROUP, GROUP_KEY, GROUP_LANES, GROUP_ORDER];

/// Lanes if nothing is said of them, and at most: each has a row in what is told of a group.
const LANES_DEFAULT: u16 = 64;
const LANES_MAX: u16 = 1_024;

/// Messages of a group that may wait to be acknowledged at most: those that wait for their turn count as well.
const GROUP_ACK_PENDING_MAX: i64 = 1 << 16;

/// What a group is told to be: consumers of a stream among whom its messages are parted by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupConfig {
    /// Its name, which is that of the consumer that has its state.
    pub name: String,
    /// Which tokens of a subject are its key, from 1 on; none is all of it.
    pub key: Box<[u8]>,
    /// Into how many lanes keys fall.
    pub lanes: u16,
    /// What stays in its order.
    pub order: GroupOrder,
}

/// What of a group's messages stays in its order: of those there is one at a time with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupOrder {
    /// Those of one key.
    Key,
    /// Those of one lane.
    Lane,
    /// None.
    None,
}

impl ConsumerConfig {
    /// The stream in which messages are kept that it does not deliver any more.
    pub fn dead_letters(&self) -> Option<&str> {
        self.metadata.get(DEAD_LETTERS).map(String::as_str)
    }

    /// The group that it is a member of, or is itself. None of one that was not [settled](Self::settled).
    pub fn group(&self) -> Option<GroupConfig> {
        self.read_group().ok()?
    }

    /// Whether it is a group, and not a member of one.
    pub fn is_group(&self) -> bool {
        self.metadata.get(GROUP).is_some_and(|name| *name == self.durable_name)
    }

    fn read_group(&self) -> Result<Option<GroupConfig>, ApiError> {
        let Some(name) = self.metadata.get(GROUP) else {
            let is_of_group = |key: &&&str| self.metadata.contains_key(**key);
            return match [GROUP_KEY, GROUP_LANES, GROUP_ORDER].iter().find(is_of_group) {
                Some(key) => refused(key, "means something beside buster.group alone"),
                None => Ok(None),
            };
        };
        if !is_asset_name(name) || name.len() > NAME_BYTES_MAX {
            return refused(GROUP, "has to be the name of a consumer");
        }
        let text = |key: &str| self.metadata.get(key).map(String::as_str);
        let key = text(GROUP_KEY).map_or_else(|| Ok([].into()), read_key)?;
        let lanes = text(GROUP_LANES).map_or(Some(LANES_DEFAULT), |text| text.parse().ok());
        let Some(lanes) = lanes.filter(|lanes| (1..=LANES_MAX).contains(lanes)) else {
            return refused(GROUP_LANES, "has to be a number from 1 to 1024");
        };
        let order = match text(GROUP_ORDER) {
            None | Some("key") => GroupOrder::Key,
            Some("lane") => GroupOrder::Lane,
            Some("none") => GroupOrder::None,
            Some(_) => return refused(GROUP_ORDER, "has to be key, lane or none"),
        };
        Ok(Some(GroupConfig { name: name.clone(), key, lanes, order }))
    }

    fn check_group(&self) -> Result<(), ApiError> {
        let Some(group) = self.read_group()? else { return Ok(()) };
        let own = if self.durable_name.is_empty() { &self.name } else { &self.durable_name };
        for (is_wrong, why) in [
            (!self.deliver_subject.is_empty(), "takes consumers that are pulled from"),
            (self.ack_policy != AckPolicy::Explicit, "takes the ack policy explicit"),
            (self.priority_policy != PriorityPolicy::None, "goes with no priority policy"),
            (
                self.deliver_policy == DeliverPolicy::LastPerSubject,
                "goes with no deliver policy last_per_subject",
            ),
            (self.replay_policy == ReplayPolicy::Original, "goes with no replay policy original"),
            (
                !(1..=GROUP_ACK_PENDING_MAX).contains(&self.max_ack_pending),
                "takes a max_ack_pending from 1 to 65536",
            ),
            (
                group.name == *own && self.durable_name.is_empty(),
                "takes a durable consumer under its own name",
            ),
        ] {
            if is_wrong {
                return refused(GROUP, why);
            }
        }
        Ok(())
    }

    /// What a member and its group do not agree about, if there is something: it holds for all who are served.
    pub fn differs_from_group(&self, group: &Self) -> Option<&'static str> {
        let filters = |config: &Self| {
            let one = Some(&config.filter_subject).filter(|filter| !filter.is_empty());
            one.into_iter().chain(&config.filter_subjects).cloned().collect::<Vec<_>>()
        };
        let start = |config: &Self| (config.deliver_policy, config.opt_start_seq, config.opt_start_time);
        let rules = |config: &Self| config.group().map(|group| (group.key, group.lanes, group.order));
        let checks = [
            (filters(self) != filters(group), "filter_subject"),
            (rules(self) != rules(group), "metadata buster.key, buster.lanes or buster.order"),
            (self.dead_letters() != group.dead_letters(), "metadata buster.dead_letters"),
            (start(self) != start(group), "deliver_policy"),
            (self.ack_wait != group.ack_wait, "ack_wait"),
            (self.backoff != group.backoff, "backoff"),
            (self.max_deliver != group.max_deliver, "max_deliver"),
            (self.max_ack_pending != group.max_ack_pending, "max_ack_pending"),
            (self.headers_only != group.headers_only, "headers_only"),
        ];
        checks.into_iter().find_map(|(differs, what)| differs.then_some(what))
    }

    /// Looks at what its metadata tells it.
    pub(crate) fn check_own_metadata(&self, stream: &StreamConfig) -> Result<(), ApiError> {
        let is_unknown = |key: &&String| key.starts_with(PREFIX) && !KNOWN.contains(&key.as_str());
        if let Some(key) = self.metadata.keys().find(is_unknown) {
            return refused(key, "is no key that this server knows");
        }
        self.check_dead_letters(stream)?;
        self.check_group()
    }

    fn check_dead_letters(&self, stream: &StreamConfig) -> Result<(), ApiError> {
        let Some(into) = self.dead_letters() else { return Ok(()) };
        if !is_asset_name(into) {
            return refused(DEAD_LETTERS, "has to be the name of a stream");
        }
        if into == stream.name {
            return refused(DEAD_LETTERS, "cannot be the consumer's own stream");
        }
        if self.ack_policy != AckPolicy::Explicit {
            return refused(DEAD_LETTERS, "takes the ack policy explicit");
        }
        Ok(())
    }
}

/// Numbers of tokens, as `2` or `1,3`.
fn read_key(text: &str) -> Result<Box<[u8]>, ApiError> {
    let token = |token: &str| token.parse().ok().filter(|number: &u8| *number > 0);
    let tokens: Option<Box<[u8]>> = text.split(',').map(token).collect();
    tokens.map_or_else(|| refused(GROUP_KEY, "has to be numbers of tokens, as 2 or 1,3"), Ok)
}

fn refused<T>(key: &str, why: &str) -> Result<T, ApiError> {
    Err(errors::CONSUMER_CREATE.with(&[&format!("metadata {key} {why}")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(key: &str, value: &str, ack_policy: AckPolicy) -> String {
        let metadata = [(key.to_owned(), value.to_owned())].into();
        let config = ConsumerConfig { metadata, ack_policy, ..ConsumerConfig::default() };
        let stream = StreamConfig { name: "S".into(), ..StreamConfig::default() };
        config.check_own_metadata(&stream).map_or_else(|error| error.description, |()| "taken".into())
    }

    #[test]
    fn mistakes_are_refused_in_words() {
        use AckPolicy::{All, Explicit, None};
        for (key, value, policy, outcome) in [
            ("buster.dead_letters", "DEAD", Explicit, "taken"),
            ("other", "a b", None, "taken"),
            (
                "buster.dead_letter",
                "DEAD",
                Explicit,
                "metadata buster.dead_letter is no key that this server knows",
            ),
            (
                "buster.dead_letters",
                "",
                Explicit,
                "metadata buster.dead_letters has to be the name of a stream",
            ),
            (
                "buster.dead_letters",
                "a.b",
                Explicit,
                "metadata buster.dead_letters has to be the name of a stream",
            ),
            (
                "buster.dead_letters",
                "S",
                Explicit,
                "metadata buster.dead_letters cannot be the consumer's own stream",
            ),
            ("buster.group", "a.b", Explicit, "metadata buster.group has to be the name of a consumer"),
            ("buster.group", "G", All, "metadata buster.group takes the ack policy explicit"),
            (
                "buster.lanes",
                "8",
                Explicit,
                "metadata buster.lanes means something beside buster.group alone",
            ),
            (
                "buster.dead_letters",
                "DEAD",
                All,
                "metadata buster.dead_letters takes the ack policy explicit",
            ),
        ] {
            assert_eq!(checked(key, value, policy), outcome, "{key}: {value}");
        }
    }

    #[test]
    fn a_group_is_read() {
        let group = |more: &[(&str, &str)]| {
            let pairs = [&[("buster.group", "G")], more].concat();
            let metadata = pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
            let (ack_policy, max_ack_pending) = (AckPolicy::Explicit, 1_000);
            let config = ConsumerConfig {
                metadata,
                ack_policy,
                max_ack_pending,
                name: "M".into(),
                ..Default::default()
            };
            config.check_group().map(|()| config.group()).map_err(|error| error.description)
        };
        let plain = GroupConfig { name: "G".into(), key: [].into(), lanes: 64, order: GroupOrder::Key };
        assert_eq!(group(&[]), Ok(Some(plain)));
        let more = [("buster.key", "2,4"), ("buster.lanes", "7"), ("buster.order", "lane")];
        let all = GroupConfig { name: "G".into(), key: [2, 4].into(), lanes: 7, order: GroupOrder::Lane };
        assert_eq!(group(&more), Ok(Some(all)));
        for (key, value) in [
            ("buster.key", "0"),
            ("buster.key", "2,"),
            ("buster.key", ""),
            ("buster.lanes", "0"),
            ("buster.lanes", "1025"),
            ("buster.lanes", "x"),
            ("buster.order", "Key"),
        ] {
            let said = group(&[(key, value)]).unwrap_err();
            assert!(said.starts_with(&format!("metadata {key} has to be ")), "{said}");
        }
    }

    #[test]
    fn what_a_member_and_its_group_do_not_agree_about_is_named() {
        let config = ConsumerConfig { max_deliver: 3, ..ConsumerConfig::default() };
        assert_eq!(config.differs_from_group(&config), None);
        let other = ConsumerConfig { max_deliver: 4, ..config.clone() };
        assert_eq!(config.differs_from_group(&other), Some("max_deliver"));
        // In whichever way it is written.
        let one = ConsumerConfig { filter_subject: "a".into(), ..config.clone() };
        let list = ConsumerConfig { filter_subjects: vec!["a".into()], ..config.clone() };
        assert_eq!(one.differs_from_group(&list), None);
        assert_eq!(one.differs_from_group(&config), Some("filter_subject"));
    }
}
