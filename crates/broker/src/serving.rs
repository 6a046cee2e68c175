//! Serving connections in turns, a share of input each in a round: who had its share stands in line for the next, and
//! so does who may go on after a hold. [`turn`](crate::turn) is the line; here is what it means to a connection.

use conns::{Conn, ConnId, Time};

use crate::broker::Broker;
use crate::client::{Client, Hold};
use crate::input::Reading;
use crate::turn::Share;

impl Broker {
    /// Keeps what is not `done` with of a read, as [`Self::take_in`] left it: the client stands in line for
    /// another share.
    pub fn keep(&mut self, id: ConnId, read: &[u8], done: usize) {
        let Some(client) = self.egress.clients.open(id) else { return };
        if done == read.len() {
            return;
        }
        client.inbox.extend(&read[done..], 0);
        client.held_read = read.len();
        self.line_up(id);
    }

    /// The same for a caller that keeps the rest itself, and comes back with it in [`Self::serve_read`]. Returns
    /// whether the client stands in line: if not, the rest is to be kept here.
    #[must_use]
    pub fn line_up_with_read(&mut self, id: ConnId) -> bool {
        let may_wait = self.may_wait_with_read(id);
        if may_wait {
            self.egress.clients.at(id).has_read_outside = true;
            self.line_up(id);
        }
        may_wait
    }

    /// Whether a client can stand in line with input that the caller keeps.
    fn may_wait_with_read(&self, id: ConnId) -> bool {
        let is_free = |client: &Conn<Client>| client.hold.is_none();
        self.egress.clients.peek_open(id).is_some_and(is_free) && !self.moves.holds_input()
    }

    /// The same for one that was just served: if it has a part of its share left it comes before anybody else.
    #[must_use]
    pub fn go_on_with_read(&mut self, id: ConnId) -> bool {
        if self.has_had_its_share(id) {
            return self.line_up_with_read(id);
        }
        let may_wait = self.may_wait_with_read(id);
        if may_wait {
            let client = self.egress.clients.at(id);
            (client.has_read_outside, client.hold) = (true, Some(Hold::Turn));
            self.turn.stay_in_front(id);
        }
        may_wait
    }

    /// Whether a client has had all that it gets in this round.
    pub fn has_had_its_share(&self, id: ConnId) -> bool {
        self.egress.clients.peek(id).is_some_and(|client| self.turn.is_over(client.share))
    }

    /// Takes over the rest of a read that the caller kept, of which so many bytes are `done` with.
    pub fn take_over_read(&mut self, id: ConnId, read: &[u8], done: usize) {
        let Some(client) = self.egress.clients.open(id) else { return };
        client.has_read_outside = false;
        client.inbox.extend(&read[done..], 0);
        client.held_read = read.len();
    }

    /// Gives a client another share at once: the caller knows that nobody waits.
    pub fn renew_share(&mut self, id: ConnId) {
        if let Some(client) = self.egress.clients.find(id) {
            client.share = Share::default();
        }
    }

    /// What a client had in this round.
    pub fn share(&self, id: ConnId) -> Share {
        self.turn.share(self.egress.clients.peek(id).map(|client| client.share).unwrap_or_default())
    }

    /// Whether a client stands in line.
    pub fn is_in_line(&self, id: ConnId) -> bool {
        self.egress.clients.peek(id).is_some_and(|client| client.hold == Some(Hold::Turn))
    }

    /// Whether anybody stands in line.
    pub fn is_anyone_in_line(&self) -> bool {
        self.turn.is_anyone_in_line()
    }

    /// Steps of this turn so far.
    pub fn turn_steps(&self) -> u64 {
        self.turn.steps()
    }

    /// Whether enough was done in this turn for the caller to see to everything else.
    pub fn is_turn_long(&self) -> bool {
        self.turn.is_long()
    }

    /// Begins a round, unless one is under way: who stands in line comes once, with [`Self::next_in_line`].
    /// Returns whether anybody does.
    pub fn begin_round(&mut self) -> bool {
        self.turn.begin_round()
    }

    /// The next who has yet to come in this round. The caller serves it: with [`Self::serve_read`] if it keeps
    /// some of its input, else with [`Self::serve`].
    pub fn next_in_line(&mut self) -> Option<ConnId> {
        self.turn.next()
    }

    /// Serves the next in line for a stretch. If its input is wanted again it is among those of
    /// [`Self::take_resumed`].
    pub fn serve(&mut self, now: Time, id: ConnId) {
        self.serve_held(now, id, Hold::Turn);
        self.settle();
    }

    /// The same for one of whose input the caller keeps a read, and `more` behind it or not. Returns how many of
    /// its bytes are done with now: if that is not all, or if there is more, the client stands in line again,
    /// unless something else holds it.
    #[must_use]
    pub fn serve_read(&mut self, now: Time, id: ConnId, read: &[u8], done: usize, more: bool) -> usize {
        let Some(client) = self.egress.clients.open(id) else { return read.len() };
        (client.hold, client.has_read_outside) = (None, false);
        let done = self.take_in(now, id, read, done);
        if let Some(client) = self.egress.clients.open(id) {
            client.has_read_outside = more || done < read.len();
            self.go_on_waiting(id, Hold::Turn);
        }
        self.settle();
        done
    }

    /// Serves the next who has yet to come in this round, of whom the caller keeps nothing.
    pub fn serve_next(&mut self, now: Time) -> Option<ConnId> {
        let id = self.next_in_line()?;
        self.serve(now, id);
        Some(id)
    }

    /// Serves everybody until nobody stands in line.
    pub fn serve_all(&mut self, now: Time) {
        while self.begin_round() {
            while self.serve_next(now).is_some() {}
        }
    }

    /// Ends a hold, if it is this one that holds the connection.
    pub(crate) fn resume(&mut self, id: ConnId, hold: Hold) {
        let Some(client) = self.egress.clients.open(id) else { return };
        if client.hold != Some(hold) {
            return;
        }
        if self.moves.holds_input() {
            return self.moves.hold(id, client);
        }
        client.hold = None;
        if client.inbox.is_empty() { self.let_go(id) } else { self.line_up(id) }
    }

    /// Nobody's input counts until connections have changed shards. Those of whose input the caller keeps
    /// something are held when their turn comes.
    pub(crate) fn hold_line(&mut self) {
        for id in self.turn.take_line() {
            match self.egress.clients.find(id) {
                Some(client) if client.has_read_outside => self.turn.line_up(id),
                Some(client) => self.moves.hold(id, client),
                None => {}
            }
        }
    }

    /// The server stops.
    pub(crate) fn hold_for_good(&mut self, id: ConnId) {
        if let Some(client) = self.egress.clients.find(id) {
            client.hold = Some(Hold::Stop);
        }
    }

    fn line_up(&mut self, id: ConnId) {
        let client = self.egress.clients.at(id);
        if client.hold.is_some() {
            return;
        }
        if self.moves.is_stopping() {
            return self.hold_for_good(id);
        }
        if self.moves.holds_input() {
            return self.moves.hold(id, client);
        }
        client.hold = Some(Hold::Turn);
        self.turn.line_up(id);
    }

    /// Ends the hold of a connection that waited for others to change shards. It has a share at once: the next
    /// pause may come before anybody else's turn.
    pub(crate) fn resume_after_pause(&mut self, now: Time, id: ConnId) {
        self.serve_held(now, id, Hold::Pause);
    }

    /// Serves a connection for a stretch, if this is what holds it.
    fn serve_held(&mut self, now: Time, id: ConnId, hold: Hold) {
        let Some(client) = self.egress.clients.open(id) else { return };
        if client.hold != Some(hold) {
            return;
        }
        if self.moves.is_stopping() {
            return self.hold_for_good(id);
        }
        client.hold = None;
        self.turn.is_cut = false;
        let reading = Reading { len: client.held_read, behind: &[], cuts: &[] };
        self.drive_inbox(now, id, reading);
        self.go_on_waiting(id, hold);
    }

    /// One that was served for a stretch stays in front of the line or goes to its end, by what it had of its
    /// share, or is let go.
    fn go_on_waiting(&mut self, id: ConnId, held: Hold) {
        let Some(client) = self.egress.clients.open(id) else { return };
        if client.hold.is_some() {
            return;
        }
        let is_cut = client.has_read_outside || (self.turn.is_cut && !client.inbox.is_empty());
        if !is_cut {
            self.let_go(id);
        } else if self.has_had_its_share(id) || held != Hold::Turn {
            self.line_up(id);
        } else {
            self.egress.clients.at(id).hold = Some(Hold::Turn);
            self.turn.stay_in_front(id);
        }
    }

    /// A connection is held no more, and has nothing left to act on.
    fn let_go(&mut self, id: ConnId) {
        if let Some(reason) = self.egress.clients.at(id).hung_up {
            self.close(id, reason);
        }
        if self.wants_input(id) {
            self.resumed.push(id);
        }
    }
}
