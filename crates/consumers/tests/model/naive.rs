//! One consumer as plainly as it can be told: lists, and every rule by looking through all of them.

use std::collections::{BTreeMap, BTreeSet};

use js_proto::{AckPolicy, ConsumerConfig, DeliverPolicy, MsgMetadata};
use subject_trie::filter_matches;

pub(crate) const FOREVER: i64 = i64::MAX;

/// A message that waits to be acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(super) first: u64,
    pub(super) deliveries: u64,
    pub(super) due: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) reply: String,
    pub(crate) left: i64,
    pub(crate) bytes: u64,
    pub(crate) got: u64,
    pub(crate) expires: i64,
    pub(crate) heartbeat: i64,
    pub(crate) beats: i64,
    pub(crate) no_wait: bool,
}

#[derive(Debug)]
pub(crate) struct Naive {
    pub(crate) config: ConsumerConfig,
    /// Subject and time.
    pub(crate) stream: BTreeMap<u64, (String, i64)>,
    pub(crate) last_seq: u64,
    pub(crate) one_per_subject: bool,
    pub(crate) now: i64,
    pub(crate) wall: i64,
    pub(super) cursor: u64,
    /// The last sequence the list may have, and what is left of it.
    pub(super) lasts: Option<(u64, Vec<u64>)>,
    pub(super) delivered: (u64, u64),
    pub(super) floor: (u64, u64),
    pub(super) was_delivered: bool,
    pub(super) was_acked: bool,
    pub(super) waiting: BTreeMap<u64, Waiting>,
    pub(super) again: Vec<u64>,
    pub(super) exceeded: BTreeSet<u64>,
    pub(super) requests: Vec<Asked>,
    pub(crate) lines: Vec<String>,
    /// All deliveries ever.
    pub(crate) deliveries: Vec<MsgMetadata>,
}

impl Naive {
    pub(crate) fn new(config: ConsumerConfig, one_per_subject: bool, now: i64, wall: i64) -> Self {
        Self {
            config,
            stream: BTreeMap::new(),
            last_seq: 0,
            one_per_subject,
            now,
            wall,
            cursor: 1,
            lasts: None,
            delivered: (0, 0),
            floor: (0, 0),
            was_delivered: false,
            was_acked: false,
            waiting: BTreeMap::new(),
            again: Vec::new(),
            exceeded: BTreeSet::new(),
            requests: Vec::new(),
            lines: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    pub(crate) fn matches(&self, subject: &str) -> bool {
        let one = Some(&self.config.filter_subject).filter(|filter| !filter.is_empty());
        let mut filters = one.into_iter().chain(&self.config.filter_subjects).peekable();
        filters.peek().is_none()
            || filters.any(|filter| filter_matches(filter.as_bytes(), subject.as_bytes()))
    }

    fn first_seq(&self) -> u64 {
        self.stream.keys().next().copied().unwrap_or(self.last_seq + 1)
    }

    pub(super) fn meant(&self) -> Vec<u64> {
        self.stream.iter().filter(|(_, (subject, _))| self.matches(subject)).map(|(seq, _)| *seq).collect()
    }

    /// The last messages of subjects between two sequences.
    fn list(&self, from: u64, to: u64) -> Vec<u64> {
        let mut lasts = BTreeMap::new();
        for (seq, (subject, _)) in &self.stream {
            lasts.insert(subject, *seq);
        }
        let mut list: Vec<u64> = lasts
            .into_iter()
            .filter(|(subject, seq)| self.matches(subject) && (from..=to).contains(seq))
            .map(|(_, seq)| seq)
            .collect();
        list.sort_unstable();
        list
    }

    pub(crate) fn begin(&mut self) {
        let (first, last) = (self.first_seq(), self.last_seq);
        let meant = self.meant();
        let is_filtered = !self.config.filter_subject.is_empty() || !self.config.filter_subjects.is_empty();
        let by_time =
            |time: i64| self.stream.iter().find(|(_, (_, at))| *at >= time).map_or(last + 1, |(seq, _)| *seq);
        let start = match self.config.deliver_policy {
            DeliverPolicy::All => first,
            DeliverPolicy::New => last + 1,
            DeliverPolicy::Last if is_filtered => meant.last().copied().unwrap_or(first),
            DeliverPolicy::Last => last.max(first),
            DeliverPolicy::ByStartSequence => self.config.opt_start_seq.max(first),
            DeliverPolicy::ByStartTime => {
                let seq = by_time(self.config.opt_start_time.unwrap().unix_nanos().unwrap());
                let skipped = meant.first().copied().filter(|meant| *meant < last && is_filtered);
                seq.max(skipped.unwrap_or(0))
            }
            DeliverPolicy::LastPerSubject if self.one_per_subject => first,
            DeliverPolicy::LastPerSubject => {
                let list = self.list(1, last);
                let start = list.first().copied().unwrap_or(last.max(first));
                self.stand_before(start.max(1));
                self.cursor = last + 1;
                self.lasts = Some((last, list)).filter(|(_, list)| !list.is_empty());
                return;
            }
        };
        self.stand_before(start.max(1));
    }

    fn stand_before(&mut self, seq: u64) {
        self.cursor = seq;
        self.delivered = (0, seq - 1);
        self.floor = self.delivered;
    }

    fn relist(&mut self, from: u64) {
        if let Some((resume, _)) = self.lasts {
            self.cursor = resume + 1;
            self.lasts = Some((resume, self.list(from, resume))).filter(|(_, list)| !list.is_empty());
        }
    }

    pub(crate) fn num_pending(&self) -> u64 {
        let listed = self.lasts.as_ref().map_or(0, |(_, list)| list.len());
        let to_come = self.meant().into_iter().filter(|seq| *seq >= self.cursor).count();
        (listed + to_come) as u64
    }

    pub(crate) fn needs(&self, seq: u64) -> bool {
        let is_listed = self.lasts.as_ref().is_some_and(|(_, list)| list.contains(&seq));
        let is_above =
            self.config.ack_policy != AckPolicy::Explicit && self.lasts.is_none() && seq > self.floor.1;
        seq >= self.cursor
            || is_listed
            || self.waiting.contains_key(&seq)
            || self.exceeded.contains(&seq)
            || is_above
    }

    pub(super) fn reached(&self) -> u64 {
        if self.lasts.is_some() { self.delivered.1 } else { self.cursor - 1 }
    }

    pub(super) fn wait_after(&self, deliveries: u64) -> i64 {
        let backoff = &self.config.backoff;
        let nth = (deliveries.max(1) as usize).min(backoff.len());
        if nth == 0 { self.config.ack_wait.0 } else { backoff[nth - 1].0 }
    }

    pub(crate) fn publish(&mut self, subject: &str) {
        self.last_seq += 1;
        let before: Vec<u64> =
            self.stream.iter().filter(|(_, (other, _))| other == subject).map(|(seq, _)| *seq).collect();
        self.stream.insert(self.last_seq, (subject.into(), self.wall));
        if self.one_per_subject {
            before.into_iter().for_each(|seq| self.gone(seq));
        }
        self.turn();
    }

    pub(crate) fn delete(&mut self, seq: u64) {
        self.gone(seq);
        self.turn();
    }

    fn gone(&mut self, seq: u64) {
        if self.stream.remove(&seq).is_none() {
            return;
        }
        self.unlist(seq);
        let Some(entry) = self.waiting.get(&seq).cloned() else {
            self.exceeded.remove(&seq);
            return;
        };
        self.acked(seq);
        let deliveries = (entry.deliveries.max(1) - 1).max(1);
        self.lines.push(format!(
            "CONSUMER.MSG_TERMINATED stream_seq={seq} consumer_seq={} deliveries={deliveries} \
             reason=Unacknowledged message was deleted",
            entry.first
        ));
    }

    pub(super) fn unlist(&mut self, seq: u64) {
        if let Some((_, list)) = &mut self.lasts {
            list.retain(|listed| *listed != seq);
        }
        self.lasts.take_if(|(_, list)| list.is_empty());
    }

    /// One that waits does so no longer, and the floor moves.
    fn acked(&mut self, seq: u64) {
        let entry = self.waiting.remove(&seq).unwrap();
        self.again.retain(|other| *other != seq);
        if self.waiting.is_empty() {
            self.floor = self.delivered;
        } else if entry.first == self.floor.0 + 1 && self.waiting.keys().all(|other| *other > seq) {
            self.floor = self.waiting.iter().next().map(|(next, entry)| (entry.first - 1, next - 1)).unwrap();
        }
        self.was_acked = true;
    }

    pub(crate) fn purge(&mut self, filter: Option<&str>) {
        let is_meant =
            |subject: &str| filter.is_none_or(|filter| filter_matches(filter.as_bytes(), subject.as_bytes()));
        self.stream.retain(|_, (subject, _)| !is_meant(subject));
        let one = Some(&self.config.filter_subject).filter(|filter| !filter.is_empty());
        let filters: Vec<String> = one.into_iter().chain(&self.config.filter_subjects).cloned().collect();
        let is_within = |purged: &str| {
            let contains = |own: &String| subject_trie::filter_contains(purged.as_bytes(), own.as_bytes());
            !filters.is_empty() && filters.iter().all(contains)
        };
        let is_concerned = |purged: &str| {
            let overlaps = |own: &String| subject_trie::filters_overlap(purged.as_bytes(), own.as_bytes());
            filters.is_empty() || filters.iter().any(overlaps)
        };
        let first = self.stream.keys().next().copied().unwrap_or(self.last_seq + 1);
        if filter.is_none_or(is_within) {
            // Of what was purged nothing is left here.
            self.move_to(if filter.is_none() { first } else { self.last_seq + 1 });
        }
        let gone: Vec<u64> =
            self.waiting.keys().copied().filter(|seq| !self.stream.contains_key(seq)).collect();
        gone.into_iter().for_each(|seq| self.acked(seq));
        let Self { exceeded, stream, .. } = self;
        exceeded.retain(|seq| stream.contains_key(seq));
        if filter.is_some_and(is_concerned) {
            self.move_to(first);
        }
        if filter.is_none_or(is_concerned) {
            if self.waiting.is_empty() {
                self.floor = self.delivered;
            }
            self.relist(self.delivered.1 + 1);
        }
        self.turn();
    }

    fn move_to(&mut self, rest: u64) {
        if self.lasts.is_some() {
            return;
        }
        self.cursor = self.cursor.max(rest);
        if self.floor.1 < rest {
            self.floor.1 = rest - 1;
            let gone: Vec<u64> = self.waiting.keys().copied().filter(|seq| *seq < rest).collect();
            for seq in gone {
                let entry = self.waiting.remove(&seq).unwrap();
                self.again.retain(|other| *other != seq);
                self.floor.0 = self.floor.0.max(entry.first);
                self.was_acked = true;
            }
        }
        self.delivered.1 = self.delivered.1.max(self.cursor - 1);
    }

    pub(crate) fn request(&mut self, asked: Asked) {
        let messages = self.num_pending() + self.again.len() as u64;
        let wanted: i64 = self.requests.iter().map(|request| request.left).sum();
        let refusal = if asked.no_wait && messages == 0 {
            (asked.expires == FOREVER).then_some("404 No Messages")
        } else if asked.no_wait && (messages as i64) < wanted {
            Some("408 Requests Pending")
        } else {
            None
        };
        let is_full = self.requests.len() as i64 >= self.config.max_waiting;
        let refusal =
            refusal.or_else(|| (is_full && asked.heartbeat == 0).then_some("409 Exceeded MaxWaiting"));
        match refusal {
            Some(refusal) => self.lines.push(format!("{} - NATS/1.0 {refusal}", asked.reply)),
            None if is_full => {}
            None => self.requests.push(asked),
        }
        self.turn();
    }

    pub(crate) fn ack(&mut self, metadata: &MsgMetadata, body: &str, delay: i64, reply: &str) {
        let seq = metadata.stream_seq;
        if self.config.ack_policy == AckPolicy::None {
            return self.turn();
        }
        let is_answered = match body {
            "-NAK" => self.hand_back(metadata, delay),
            "+WPI" => {
                let due = self.waiting.get(&seq).map(|entry| self.now + self.wait_after(entry.deliveries));
                if let Some(due) = due {
                    self.waiting.get_mut(&seq).unwrap().due = due;
                }
                true
            }
            "what" => true,
            _ => self.acknowledge(metadata),
        };
        if body == "+TERM" && is_answered {
            self.lines.push(format!("CONSUMER.MSG_TERMINATED {}", named(metadata)));
        }
        if is_answered && !reply.is_empty() {
            self.lines.push(format!("{reply} -"));
        }
        self.turn();
    }

    fn hand_back(&mut self, metadata: &MsgMetadata, delay: i64) -> bool {
        let seq = metadata.stream_seq;
        let range = self.floor.0 + 1..=self.delivered.0 + 1;
        if !self.waiting.contains_key(&seq) || !range.contains(&metadata.consumer_seq) {
            return true;
        }
        self.lines.push(format!("CONSUMER.MSG_NAKED {}", named(metadata)));
        if delay > 0 {
            self.again.retain(|other| *other != seq);
            self.waiting.get_mut(&seq).unwrap().due = self.now + delay;
        } else if !self.again.contains(&seq) {
            self.again.push(seq);
        }
        true
    }

    fn acknowledge(&mut self, metadata: &MsgMetadata) -> bool {
        let seq = metadata.stream_seq;
        if seq > self.reached() {
            return false;
        }
        if self.config.ack_policy == AckPolicy::Explicit {
            if self.waiting.contains_key(&seq) {
                self.acked(seq);
            } else {
                self.exceeded.remove(&seq);
            }
            self.was_acked = true;
        } else if seq > self.floor.1 {
            let consumer = metadata.consumer_seq.min(self.delivered.0).max(self.floor.0);
            self.floor = (consumer, seq.min(self.delivered.1));
            self.waiting.retain(|other, _| *other > seq);
            self.exceeded.retain(|other| *other > seq);
            let Self { again, waiting, .. } = self;
            again.retain(|other| waiting.contains_key(other));
            self.was_acked = true;
        }
        true
    }

    pub(crate) fn update(&mut self, config: ConsumerConfig) {
        let old = std::mem::replace(&mut self.config, config);
        let filters =
            |config: &ConsumerConfig| (config.filter_subject.clone(), config.filter_subjects.clone());
        if filters(&old) != filters(&self.config) {
            self.relist(self.delivered.1 + 1);
        }
        let by = self.config.ack_wait.0 - old.ack_wait.0;
        if self.config.backoff.is_empty() {
            self.waiting.values_mut().for_each(|entry| entry.due += by);
        }
        self.turn();
    }

    pub(crate) fn reset(&mut self, seq: u64) {
        let first = match self.config.deliver_policy {
            _ if seq == 0 => 0,
            DeliverPolicy::All => 0,
            DeliverPolicy::ByStartSequence => self.config.opt_start_seq,
            DeliverPolicy::ByStartTime => {
                let time = self.config.opt_start_time.unwrap().unix_nanos().unwrap();
                self.stream.iter().find(|(_, (_, at))| *at >= time).map_or(self.last_seq + 1, |(seq, _)| *seq)
            }
            _ => u64::MAX,
        };
        if seq < first && seq != 0 {
            return self.turn();
        }
        let seq = if seq == 0 { self.floor.1 + 1 } else { seq };
        self.waiting.clear();
        self.again.clear();
        self.exceeded.clear();
        (self.was_delivered, self.was_acked) = (false, false);
        self.stand_before(seq);
        self.relist(seq);
        self.turn();
    }

    pub(crate) fn restart(&mut self) {
        self.requests.clear();
        self.again.clear();
        (self.was_delivered, self.was_acked) = (false, false);
        if self.lasts.is_some() {
            self.relist(self.delivered.1 + 1);
        } else {
            self.cursor = self.delivered.1 + 1;
        }
        self.turn();
    }

    pub(crate) fn info(&self) -> String {
        let redelivered =
            self.waiting.values().filter(|entry| entry.deliveries > 1).count() + self.exceeded.len();
        let redelivered = if self.config.max_deliver == 1 { 0 } else { redelivered };
        let plus = |is_so: bool| if is_so { "+" } else { "" };
        let ((delivered, last), (acked, floor)) = (self.delivered, self.floor);
        format!(
            "info {delivered}/{last}{} {acked}/{floor}{} ack_pending {} pending {} redelivered {redelivered} waiting {}",
            plus(self.was_delivered),
            plus(self.was_acked),
            self.waiting.len(),
            self.num_pending(),
            self.requests.len()
        )
    }
}

fn named(metadata: &MsgMetadata) -> String {
    let MsgMetadata { stream_seq, consumer_seq, delivered, .. } = metadata;
    format!("stream_seq={stream_seq} consumer_seq={consumer_seq} deliveries={delivered}")
}
