//! Groups: a consumer whose metadata names one is a member of it. The group is a consumer as well, which has all that is
//! stored; it is made with its first member, and stays when they go.

use consumers::{Effects, MEMBERS_MAX};
use js_proto::{ApiError, ConsumerConfig, ConsumerInfo, GROUP, Nanos, Status, errors};

use crate::consumer_set::{ConsumerId, ConsumerKey, ConsumerSet};
use crate::home::Home;
use crate::slot::Slot;
use crate::turn::Turn;

/// The group that has to be made before its member is.
///
/// # Errors
/// There is one, and it does not go with this member.
pub(super) fn group_to_make(
    consumers: &ConsumerSet,
    config: &ConsumerConfig,
) -> Result<Option<ConsumerConfig>, ApiError> {
    let Some(group) = config.group().filter(|_| !config.is_group()) else { return Ok(None) };
    let refused =
        |why: &str| Err(errors::CONSUMER_CREATE.with(&[&format!("metadata {GROUP} {:?} {why}", group.name)]));
    let Some(found) = consumers.find(&group.name) else {
        let name = group.name;
        return Ok(Some(ConsumerConfig {
            durable_name: name.clone(),
            name,
            description: String::new(),
            inactive_threshold: Nanos::ZERO,
            pause_until: None,
            ..config.clone()
        }));
    };
    if !found.is_group() {
        return refused("names a consumer that is no group");
    }
    if let Some(what) = config.differs_from_group(&found.config()) {
        return refused(&format!("has another {what}"));
    }
    if found.members() >= MEMBERS_MAX && consumers.id(&config.name).is_none() {
        return refused("has as many members as may be");
    }
    Ok(None)
}

/// Whether a consumer stays in its group, or in none.
pub(super) fn check_same_group(old: &ConsumerConfig, new: &ConsumerConfig) -> Result<(), ApiError> {
    if old.group() == new.group() {
        return Ok(());
    }
    Err(errors::CONSUMER_CREATE.with(&[&format!("metadata {GROUP} and what goes with it cannot change")]))
}

/// Whether something can be done to a consumer that takes a place in the stream: a member has none of its own.
pub(super) fn check_no_member(home: &Home, key: ConsumerKey) -> Result<(), ApiError> {
    let consumer = home.streams.get(&key.stream).and_then(|slot| slot.consumers.get(key.consumer));
    match consumer.and_then(|consumer| consumer.member_of()) {
        None => Ok(()),
        Some(group) => Err(errors::CONSUMER_CREATE
            .with(&[&format!("it is a member of group {group:?}: ask that of the group")])),
    }
}

impl Home {
    /// The group of a member.
    fn group_of(&self, key: ConsumerKey) -> Option<ConsumerKey> {
        let consumers = &self.streams.get(&key.stream)?.consumers;
        let consumer = consumers.id(consumers.get(key.consumer)?.member_of()?)?;
        Some(ConsumerKey { consumer, ..key })
    }

    /// A consumer that is a member is there, or there again.
    pub(crate) fn join_group(&mut self, turn: &mut Turn<'_>, key: ConsumerKey) {
        let Some(group) = self.group_of(key) else { return };
        let at = turn.moment();
        let Some(slot) = self.streams.get_mut(&key.stream) else { return };
        let Some((name, threshold)) = slot.consumers.member(key.consumer) else { return };
        let mut out = Effects::new();
        slot.consumers
            .at(group.consumer)
            .into_iter()
            .for_each(|group| group.join(&at, &name, threshold, &mut out));
        self.after_move(turn, group, &mut out);
    }

    /// A member is gone, or a group: then its members go as well, some in each turn.
    pub(crate) fn leave_group(&mut self, turn: &mut Turn<'_>, key: ConsumerKey, ended: &consumers::Consumer) {
        let Some(slot) = self.streams.get_mut(&key.stream) else { return };
        if ended.is_group() {
            let members = slot.consumers.members_of(ended.name()).into_iter();
            self.endings.members.extend(members.map(|consumer| ConsumerKey { consumer, ..key }));
            return;
        }
        let Some(consumer) = ended.member_of().and_then(|group| slot.consumers.id(group)) else { return };
        let (at, mut out) = (turn.moment(), Effects::new());
        slot.consumers.at(consumer).into_iter().for_each(|group| group.leave(&at, ended.name(), &mut out));
        self.after_move(turn, ConsumerKey { consumer, ..key }, &mut out);
    }

    /// Has the lanes of a member go to others. None if it is no member.
    pub(super) fn hand_over(&mut self, turn: &mut Turn<'_>, key: ConsumerKey) -> Option<()> {
        let group = self.group_of(key)?;
        let (at, mut out) = (turn.moment(), Effects::new());
        let consumers = &mut self.streams.get_mut(&key.stream)?.consumers;
        let (name, _) = consumers.member(key.consumer)?;
        consumers.at(group.consumer)?.hand_over(&at, &name, &mut out);
        self.after_move(turn, group, &mut out);
        Some(())
    }

    /// A member was silent for too long. If its consumer is not to outlive those who use it, it goes.
    pub(crate) fn on_silent(&mut self, group: ConsumerKey, member: &str) {
        let Some(slot) = self.streams.get(&group.stream) else { return };
        let Some(consumer) = slot.consumers.id(member) else { return };
        if slot.consumers.member(consumer).is_some_and(|(_, threshold)| threshold > 0) {
            self.endings.members.push_back(ConsumerKey { consumer, ..group });
        }
    }

    /// Somebody asks a member for messages. Says whether it is one.
    pub(crate) fn on_member_next(
        &mut self,
        turn: &mut Turn<'_>,
        key: ConsumerKey,
        reply: &[u8],
        body: &[u8],
    ) -> bool {
        let Some(slot) = self.streams.get_mut(&key.stream) else { return false };
        let Some((name, threshold)) = slot.consumers.member(key.consumer) else { return false };
        let account = slot.account();
        let Some(group) = self.group_of(key) else {
            turn.publish_status(account, reply, &Status::ConsumerDeleted);
            return true;
        };
        let (at, mut out) = (turn.moment(), Effects::new());
        let Some(Slot { stream, consumers, .. }) = self.streams.get_mut(&key.stream) else { return true };
        let Some(machine) = consumers.at(group.consumer) else { return true };
        let listens = &mut |subject: &[u8]| turn.is_heard(account, subject);
        machine.on_member_request(&at, (&name, threshold), reply, body, stream.index(), listens, &mut out);
        self.attend(turn, group, &mut out);
        true
    }

    fn after_move(&mut self, turn: &mut Turn<'_>, group: ConsumerKey, out: &mut Effects) {
        self.carry_out_of_consumer(turn, group, None, out);
        self.time_consumer(group);
        self.line_up(group);
    }
}

impl ConsumerSet {
    /// The name of a member of a group, and how long it may be silent.
    fn member(&self, id: ConsumerId) -> Option<(String, i64)> {
        let consumer = self.get(id).filter(|consumer| consumer.member_of().is_some())?;
        Some((consumer.name().to_owned(), consumer.inactive_threshold()))
    }

    /// Those that are members of a group.
    fn members_of(&self, group: &str) -> Vec<ConsumerId> {
        let is_member =
            |(_, consumer): &(ConsumerId, &consumers::Consumer)| consumer.member_of() == Some(group);
        self.iter().filter(is_member).map(|(id, _)| id).collect()
    }

    /// What is told of a member is what its group knows of it.
    pub(crate) fn tell_member(&self, id: ConsumerId, info: &mut ConsumerInfo) {
        let Some(member) = self.get(id) else { return };
        let Some(group) = member.member_of().and_then(|group| self.find(group)) else { return };
        let told = group.member_info(member.name()).unwrap_or_default();
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        (info.num_ack_pending, info.num_waiting) = (count(told.unacked), count(told.waiting));
        info.num_pending = group.num_pending();
        for (shown, at) in
            [(&mut info.delivered, group.delivered()), (&mut info.ack_floor, group.ack_floor())]
        {
            (shown.consumer_seq, shown.stream_seq) = (at.consumer, at.stream);
        }
    }
}
