//! Taking subscriptions out that a connection left behind.

use conns::ConnId;
use monitor::ClosedRow;

use crate::broker::Broker;
use crate::chores::{Chore, Progress, ROW_STEPS, ROWS_PER_STEP, are_many};
use crate::subscription::SubKey;

use super::{Remains, Walk};

/// What it takes to go on to the next part of a table by sid, or to let go of it.
const PART_STEPS: usize = 128;

/// What it takes to note a subscription for those who ask about connections that ended.
const NOTE_STEPS: usize = 6;

enum Next {
    Found(SubKey),
    /// The turn has no steps left.
    Later,
    /// There is none.
    End,
}

impl Broker {
    /// Ends the subscriptions of a connection that ends too.
    pub(crate) fn leave_behind(&mut self, id: ConnId, closed: Option<ClosedRow>) {
        let client = self.egress.clients.at(id);
        client.winding_up = true;
        let by_sid = std::mem::take(&mut client.subs);
        let deferred = std::mem::take(&mut client.deferred);
        let own = by_sid.len() + deferred.len();
        let is_long = !self.chores.budget().covers(own * ROW_STEPS);
        let walk = if is_long && are_many(own, self.egress.subs.rows()) {
            Walk::Rows { next: 0, left: own }
        } else {
            Walk::Keys { deferred, keys: Vec::new() }
        };
        let mut remains = Remains { conn: id, by_sid, walk, round: None, closed };
        if self.go_on_removing(&mut remains) == Progress::More {
            self.chores.push(Chore::Removing(Box::new(remains)));
        }
    }

    /// Takes out what a connection left behind, as far as this turn goes.
    pub(crate) fn go_on_removing(&mut self, remains: &mut Remains) -> Progress {
        loop {
            match self.next_of(remains) {
                Next::Found(key) => self.remove_one(remains, key),
                Next::Later => return Progress::More,
                Next::End => break,
            }
        }
        self.wind_up_finally(remains.conn, remains.round, remains.closed.take());
        Progress::Done
    }

    fn next_of(&mut self, remains: &mut Remains) -> Next {
        let Remains { conn, by_sid, walk, .. } = remains;
        let (subs, budget) = (&self.egress.subs, self.chores.budget());
        let is_its = |number: usize| subs.row(number).is_some_and(|sub| sub.conn() == *conn);
        if let Walk::Rows { next, left } = walk {
            while *left > 0 && *next < subs.rows() {
                if !budget.lasts() {
                    return Next::Later;
                }
                let number = *next;
                *next += 1;
                budget.spend(usize::from(number.is_multiple_of(ROWS_PER_STEP)));
                if is_its(number) {
                    *left -= 1;
                    return Next::Found(SubKey(number as u32));
                }
            }
        }
        loop {
            while budget.lasts()
                && let Some(key) = walk.next_key()
            {
                budget.spend(1);
                // One that had its last message just before may be gone already.
                if is_its(key.0 as usize) {
                    return Next::Found(key);
                }
            }
            if by_sid.is_empty() && walk.has_no_keys() {
                return Next::End;
            }
            if !budget.lasts() {
                return Next::Later;
            }
            budget.spend(PART_STEPS);
            let part = by_sid.take_some().map(|by_sid| by_sid.key);
            if let Walk::Keys { keys, .. } = walk {
                keys.extend(part);
            }
        }
    }

    fn remove_one(&mut self, remains: &mut Remains, key: SubKey) {
        let sub = self.egress.subs.at(key);
        if !sub.is_leaving() {
            if let Some(closed) = &mut remains.closed
                && closed.subscriptions.len() < self.config.closed.subscriptions_max()
            {
                closed.subscriptions.push(self.subscription_row(closed.row.cid, sub));
                self.chores.budget().spend(NOTE_STEPS);
            }
            self.egress.trace_unsubscribed(key);
            remains.round = self.announce_leave(key).or(remains.round);
        }
        self.remove(key);
        self.chores.budget().spend(ROW_STEPS);
    }
}
