//! What time does to a naive consumer, and what it delivers to whom.

use js_proto::{AckPolicy, MsgMetadata};

use crate::naive::{Asked, FOREVER, Naive, Waiting};
use crate::rig::MS;

impl Naive {
    pub(crate) fn wait(&mut self, millis: i64) {
        self.tick();
        for _ in 0..millis {
            self.now += MS;
            self.wall += MS;
            self.tick();
        }
    }

    fn tick(&mut self) {
        self.tend_due();
        let is_running = |seq: &u64| !self.again.contains(seq);
        let next = self.waiting.iter().filter(|(seq, _)| is_running(seq)).map(|(_, entry)| entry.due).min();
        if next.is_some_and(|due| due + MS <= self.now) {
            let due: Vec<u64> = self
                .waiting
                .iter()
                .filter(|(seq, entry)| is_running(seq) && entry.due <= self.now)
                .map(|(seq, _)| *seq)
                .collect();
            for seq in due {
                let deliveries = (self.waiting[&seq].deliveries.max(1) - 1).max(1);
                if self.config.max_deliver > 0 && deliveries as i64 >= self.config.max_deliver {
                    self.exceed(seq, deliveries);
                } else {
                    self.again.push(seq);
                }
            }
        }
        self.turn();
    }

    fn exceed(&mut self, seq: u64, deliveries: u64) {
        self.waiting.remove(&seq);
        self.again.retain(|other| *other != seq);
        self.exceeded.insert(seq);
        if deliveries as i64 == self.config.max_deliver {
            self.lines.push(format!("CONSUMER.MAX_DELIVERIES stream_seq={seq} deliveries={deliveries}"));
        }
    }

    fn tend_due(&mut self) {
        let is_due = |request: &Asked| request.expires.min(request.beats) <= self.now;
        if self.requests.iter().any(is_due) {
            self.tend(self.is_full() && self.again.is_empty());
        }
    }

    fn is_full(&self) -> bool {
        self.config.max_ack_pending > 0 && self.waiting.len() as i64 >= self.config.max_ack_pending
    }

    fn tend(&mut self, is_end: bool) {
        let mut kept = Vec::new();
        for mut request in std::mem::take(&mut self.requests) {
            let say = |text: String| format!("{} - NATS/1.0 {text}", request.reply);
            if request.expires <= self.now {
                self.lines.push(say(format!("408 Request Timeout{}", rest(&request))));
            } else if is_end && request.no_wait && (request.expires == FOREVER || request.got > 0) {
                self.lines.push(say("404 No Messages".into()));
            } else {
                if request.beats <= self.now {
                    self.lines.push(say(format!(
                        "100 Idle Heartbeat|Nats-Last-Consumer: {}|Nats-Last-Stream: {}",
                        self.delivered.0,
                        self.reached()
                    )));
                    request.beats = self.now + request.heartbeat;
                }
                kept.push(request);
            }
        }
        self.requests = kept;
    }

    fn end(&mut self) {
        if self.requests.iter().any(|request| request.no_wait) {
            self.tend(true);
        }
    }

    /// Delivers what there is to who asked for it.
    pub(super) fn turn(&mut self) {
        self.tend_due();
        while !self.requests.is_empty() {
            let Some(seq) = self.next() else { break };
            self.deliver(seq);
        }
    }

    fn next(&mut self) -> Option<u64> {
        while let Some(seq) = self.again.first().copied() {
            let deliveries = self.waiting[&seq].deliveries;
            if self.config.max_deliver <= 0 || (deliveries as i64) < self.config.max_deliver {
                return Some(seq);
            }
            self.exceed(seq, deliveries);
        }
        if self.is_full() {
            if self.num_pending() == 0 {
                self.end();
            }
            return None;
        }
        if let Some((_, list)) = &self.lasts {
            return list.first().copied();
        }
        let next = self.meant().into_iter().find(|seq| *seq >= self.cursor);
        match next {
            Some(seq) => self.cursor = seq,
            None => {
                self.cursor = self.cursor.max(self.last_seq + 1);
                self.end();
            }
        }
        next
    }

    fn deliver(&mut self, seq: u64) {
        let (subject, time) = self.stream[&seq].clone();
        let is_again = self.waiting.contains_key(&seq);
        let metadata = MsgMetadata {
            delivered: self.waiting.get(&seq).map_or(0, |entry| entry.deliveries) + 1,
            stream_seq: seq,
            consumer_seq: self.delivered.0 + 1,
            timestamp: time as u64,
            pending: self.num_pending() - u64::from(!is_again),
        };
        let MsgMetadata { delivered, consumer_seq, pending, .. } = metadata;
        let reply = format!("$JS.ACK.S.C.{delivered}.{seq}.{consumer_seq}.{time}.{pending}");
        let size = (subject.len() + reply.len() + 2) as u64;
        let Some(at) = self.taker(size) else { return };
        self.note(seq, is_again);
        self.lines.push(format!("{subject} {reply}"));
        self.deliveries.push(metadata);
        let request = self.requests.remove(at);
        if request.left > 0 {
            self.requests.push(request);
        } else if request.bytes > 0 {
            self.lines.push(format!("{} - NATS/1.0 409 Batch Completed{}", request.reply, rest(&request)));
        }
    }

    fn taker(&mut self, size: u64) -> Option<usize> {
        loop {
            let request = self.requests.first_mut()?;
            if request.bytes == 0 || size <= request.bytes {
                if request.bytes == size {
                    request.left = 1;
                }
                request.bytes = request.bytes.saturating_sub(size);
                request.left -= 1;
                request.got += 1;
                if request.heartbeat > 0 {
                    request.beats = self.now + request.heartbeat;
                }
                return Some(0);
            }
            let line =
                format!("{} - NATS/1.0 409 Message Size Exceeds MaxBytes{}", request.reply, rest(request));
            self.lines.push(line);
            self.requests.remove(0);
        }
    }

    fn note(&mut self, seq: u64, is_again: bool) {
        self.delivered = (self.delivered.0 + 1, self.delivered.1.max(seq));
        self.was_delivered = true;
        if is_again {
            let deliveries = self.waiting[&seq].deliveries + 1;
            let due = self.now + self.wait_after(deliveries);
            let entry = self.waiting.get_mut(&seq).unwrap();
            (entry.deliveries, entry.due) = (deliveries, due);
            self.again.remove(0);
            return;
        }
        if self.lasts.is_some() {
            self.unlist(seq);
        } else {
            self.cursor = seq + 1;
        }
        if self.config.ack_policy == AckPolicy::None {
            self.floor = self.delivered;
        } else {
            let due = self.now + self.wait_after(1);
            self.waiting.insert(seq, Waiting { first: self.delivered.0, deliveries: 1, due });
        }
    }
}

fn rest(request: &Asked) -> String {
    format!("|Nats-Pending-Messages: {}|Nats-Pending-Bytes: {}", request.left.max(0), request.bytes)
}
