//! What other servers are sent: interest, and messages.

use std::collections::BTreeMap;

use bytes::Bytes;
use cluster::{Interest, Reading};
use conns::ConnId;
use monitor::Tally;
use nats_proto::{Groups, PeerKind, PeerMessage, Publish, encode};

use super::branches::Branches;
use super::{GROUPS_BYTES_MAX, Peer, Peers, TOLD_AHEAD_BYTES_MAX};
use crate::broker::Broker;
use crate::chores::ROW_STEPS;
use crate::egress::{Egress, SHARED_BYTES_MIN, cut_off, share};
use crate::party::{Origin, Party, PeerId};
use crate::subscription::SubKey;

/// Acknowledgements of JetStream: what is behind an `@` in one is the subject that is shown.
pub(super) const ACKS: &[u8] = b"$JS.ACK.";

/// A message that goes to servers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'m> {
    pub(crate) account: &'m str,
    /// The leaf cluster that it comes from.
    pub(crate) origin: Option<&'m [u8]>,
    pub(crate) publish: &'m Publish<'m>,
    /// Nobody slows down who sends it: it is dropped rather than to end a connection.
    pub(crate) may_be_lost: bool,
}

impl Egress {
    /// Whether a server is a leaf node or a hub.
    pub(crate) fn is_leaf(&self, peer: PeerId) -> bool {
        let row = self.peers.as_ref().and_then(|peers| peers.peek(peer));
        row.is_some_and(|row| row.is_leaf)
    }

    /// Whether there may be leaf nodes and hubs.
    #[inline]
    pub(crate) fn has_branches(&self) -> bool {
        self.peers.as_ref().is_some_and(|peers| peers.branches.is_some())
    }

    /// Whether a subscription is that of a leaf node or a hub, or another server has it on behalf of one.
    pub(crate) fn is_behind_branch(&self, key: SubKey) -> bool {
        let sub = self.subs.at(key);
        let sub = sub.target.as_shadow().map_or(sub, |of| self.subs.at(of));
        sub.target.as_peer().is_some_and(|peer| !sub.sid.is_empty() || self.is_leaf(peer))
    }

    /// Whether a server may have a message on that subject.
    pub(crate) fn may_send_to_peer(&self, peer: PeerId, origin: Origin, subject: &[u8]) -> bool {
        let Some(peers) = &self.peers else { return false };
        let Some(row) = peers.peek(peer) else { return false };
        row.open_conn().is_some_and(|conn| self.clients.peek_open(conn).is_some())
            && peers.may_pass(origin, peer)
            && row.branch.as_ref().is_none_or(|branch| branch.may_be_sent(subject))
    }

    /// A server gets the message in hand by that subscription, if it may: [`Self::send_gathered`] sends it.
    pub(crate) fn gather_for_peer(
        &mut self,
        key: SubKey,
        peer: PeerId,
        origin: Origin,
        subject: &[u8],
    ) -> bool {
        let may = self.may_send_to_peer(peer, origin, subject);
        if may {
            self.subs.at_mut(key).delivered += 1;
            self.gathered.push((peer, key));
        }
        may
    }

    /// What comes from a server may go to one, for a group that has no member here, or not any more.
    pub(crate) fn let_bounce(&mut self, lets_bounce: bool) {
        if let Some(peers) = &mut self.peers {
            peers.lets_bounce = lets_bounce;
        }
    }

    /// Sends the message in hand, once, to each server that was found to get it.
    #[cold]
    pub(crate) fn send_gathered(
        &mut self,
        origin: Origin,
        account: &str,
        selects: &[u8],
        publish: &Publish<'_>,
    ) {
        let mut gathered = std::mem::take(&mut self.gathered);
        let Some(mut peers) = self.peers.take() else { return };
        gathered.sort_by_key(|(peer, _)| *peer);
        let reply = reply_with_shown(selects, publish);
        let publish = Publish { subject: selects, reply: reply.as_deref().or(publish.reply), ..*publish };
        let may_be_lost = matches!(origin.party(), Party::Service(_));
        let leaf_cluster = peers.leaf_cluster(origin);
        let given = Given { account, origin: leaf_cluster.as_deref(), publish: &publish, may_be_lost };
        for of_one in gathered.chunk_by(|(one, _), (other, _)| one == other) {
            if of_one.iter().any(|(_, key)| self.subs.at(*key).import().is_some()) {
                self.send_imported(&mut peers, given, of_one);
            } else {
                self.send_to_one(&mut peers, given, of_one);
            }
        }
        self.peers = Some(peers);
        gathered.clear();
        self.gathered = gathered;
    }

    /// Sends a message that a leaf node or a hub gets by what its account imports, once under each subject that it has
    /// there.
    #[cold]
    fn send_imported(&mut self, peers: &mut Peers, given: Given<'_>, of_one: &[(PeerId, SubKey)]) {
        let mut under: BTreeMap<Vec<u8>, Vec<(PeerId, SubKey)>> = BTreeMap::new();
        for (peer, key) in of_one {
            let mut subject = given.publish.subject.to_vec();
            if let Some(import) = self.subs.at(*key).import() {
                import.show(given.publish.subject, &mut subject);
            }
            under.entry(subject).or_default().push((*peer, *key));
        }
        for (subject, keys) in &under {
            let publish = Publish { subject, ..*given.publish };
            self.send_to_one(peers, Given { publish: &publish, ..given }, keys);
        }
    }

    fn send_to_one(&mut self, peers: &mut Peers, given: Given<'_>, of_one: &[(PeerId, SubKey)]) {
        let mut groups = std::mem::take(&mut peers.groups);
        self.name_groups(of_one, &mut groups);
        let mut line = std::mem::take(&mut peers.line);
        if let Some(Some(peer)) = peers.rows.get_mut(usize::from(of_one[0].0.0)) {
            let send = if self.journey.is_some() { Self::send_to_peer_watched } else { Self::send_to_peer };
            send(self, peer, given, &groups, &mut line);
        }
        (peers.groups, peers.line) = (groups, line);
    }

    fn name_groups(&self, of_one: &[(PeerId, SubKey)], groups: &mut Vec<u8>) {
        groups.clear();
        for name in of_one.iter().filter_map(|(_, key)| self.subs.at(*key).queue()) {
            if groups.len() + name.len() < GROUPS_BYTES_MAX {
                groups.extend_from_slice(name);
                groups.push(b' ');
            }
        }
    }

    pub(crate) fn send_to_peer(
        &mut self,
        peer: &mut Peer,
        given: Given<'_>,
        groups: &[u8],
        line: &mut Vec<u8>,
    ) {
        let Given { publish, may_be_lost, .. } = given;
        let is_leaf = peer.is_leaf;
        let (kind, headers, names_origin) = match (&peer.route, &peer.branch) {
            (Some(route), _) => (route.kind, route.headers, route.takes_origin),
            (None, Some(branch)) => (PeerKind::Leaf, branch.leaf.headers, false),
            (None, None) => return,
        };
        let Some(mut client) = peer.conn.and_then(|conn| self.clients.open_writer(conn)) else { return };
        let header = publish.header.filter(|header| header.bytes > 0);
        let (header, body) = if headers { (header, publish.body) } else { (None, publish.payload()) };
        let size = body.len().to_string();
        let message = PeerMessage {
            origin: given.origin.filter(|_| names_origin),
            account: (!is_leaf).then_some(given.account.as_bytes()),
            subject: publish.subject,
            reply: publish.reply,
            groups: Groups::new(groups),
            header,
            size_text: size.as_bytes(),
            body: b"",
        };
        front(line, kind, &message);
        let len = line.len() + body.len() + 2;
        if !client.has_room(len) {
            // Nobody slows a service down, as publishers are: one consumer is not to end the route for all. What it delivers
            // comes again if it is acknowledged.
            if may_be_lost {
                self.counters.of_peer(is_leaf).dropped += 1;
                return;
            }
            return cut_off(client);
        }
        self.reader_behind |= client.pending_bytes() + len > self.bounds.stalls_above;
        let sent = Tally { msgs: 1, bytes: body.len() as u64 };
        client.record.last_activity = self.counters.now;
        client.record.output.add(sent);
        self.counters.of_peer(is_leaf).output.add(sent);
        if let Some((guard, reply)) =
            peer.branch.as_mut().and_then(|branch| branch.guard.as_mut()).zip(publish.reply)
        {
            guard.on_request(self.counters.now, reply);
        }
        self.steps += 1;
        if body.len() < SHARED_BYTES_MIN {
            return client.append(len, |chunk| {
                [line.as_slice(), body, b"\r\n"].into_iter().for_each(|part| chunk.extend_from_slice(part));
            });
        }
        let whole: &Bytes = self.shared.get_or_insert_with(|| share(&self.lent, publish.body));
        let body = whole.slice(publish.body.len() - body.len()..);
        client.push(line);
        client.push_shared(body);
        client.push(b"\r\n");
    }

    /// Tells the other servers what is wanted here since they were told last.
    pub(crate) fn tell_changes(&mut self) {
        let Some(mut peers) = self.peers.take() else { return };
        while let Some((account, change)) = peers.next_change() {
            let mut line = std::mem::take(&mut peers.line);
            let name = &peers.accounts[account].name;
            let is_of_leaf = change.interest.has_origin();
            for peer in peers.routes().filter(|peer| peer.told.takes(account, &change)) {
                if is_of_leaf && !peer.takes_origin() {
                    continue;
                }
                interest_line(&mut line, peer.kind(), Some(name), &change.interest, change.weight);
                self.send_line(peer.conn, &line);
            }
            peers.line = line;
        }
        self.tell_leafs_changes(&mut peers);
        self.peers = Some(peers);
    }

    fn tell_leafs_changes(&mut self, peers: &mut Peers) {
        let mut line = std::mem::take(&mut peers.line);
        while let Some((account, change)) = peers.branches.as_mut().and_then(Branches::next_change) {
            for (conn, branch) in peers.branches().filter(|(_, branch)| branch.account == account) {
                if branch.reading.takes_up_to(&change.interest)
                    && branch.is_told(&change.interest)
                    && let Some(weight) = change.weight_for(&branch.ear)
                {
                    interest_line(&mut line, PeerKind::Leaf, None, &change.interest, weight);
                    self.send(conn, &line);
                    self.steps += 1;
                }
            }
        }
        peers.line = line;
    }

    fn send_line(&mut self, conn: Option<ConnId>, line: &[u8]) {
        if let Some(conn) = conn {
            self.send(conn, line);
        }
    }
}

impl Broker {
    /// Whether a server that came is to be told more of what is wanted here, and has room for it.
    pub(crate) fn has_peers_to_tell(&self) -> bool {
        self.next_to_tell().is_some()
    }

    fn next_to_tell(&self) -> Option<(PeerId, ConnId)> {
        self.egress.peers.as_ref()?.untold().find(|(_, conn)| self.has_room_to_tell(*conn))
    }

    fn has_room_to_tell(&self, conn: ConnId) -> bool {
        self.egress
            .clients
            .peek_open(conn)
            .is_some_and(|client| client.pending_bytes() < TOLD_AHEAD_BYTES_MAX)
    }

    /// Tells servers that came what is wanted here, as far as this turn goes.
    pub(crate) fn go_on_telling(&mut self) {
        while self.chores.budget().lasts()
            && let Some((id, conn)) = self.next_to_tell()
        {
            self.tell_some(id, conn);
        }
    }

    fn tell_some(&mut self, id: PeerId, conn: ConnId) {
        let Some(mut peers) = self.egress.peers.take() else { return };
        let mut line = std::mem::take(&mut peers.line);
        let (kind, takes_origin) = (peers.at(id).kind(), peers.at(id).takes_origin());
        if peers.at(id).is_leaf {
            self.tell_leaf_some(&mut peers, id, conn, &mut line);
        }
        while !peers.at(id).is_leaf
            && self.chores.budget().lasts()
            && self.has_room_to_tell(conn)
            && let Some((account, interest, weight)) = peers.next_told(id)
        {
            self.chores.budget().spend(ROW_STEPS);
            if interest.has_origin() && !takes_origin {
                continue;
            }
            interest_line(&mut line, kind, Some(&peers.accounts[account].name), &interest, weight);
            self.egress.send(conn, &line);
        }
        peers.line = line;
        self.egress.peers = Some(peers);
    }

    fn tell_leaf_some(&mut self, peers: &mut Peers, id: PeerId, conn: ConnId, line: &mut Vec<u8>) {
        while self.chores.budget().lasts()
            && self.has_room_to_tell(conn)
            && let Some(branches) = &peers.branches
            && let Some(branch) =
                &mut peers.rows[usize::from(id.0)].as_mut().and_then(|row| row.branch.as_mut())
            && branch.reading != Reading::Ended
        {
            self.chores.budget().spend(ROW_STEPS);
            let Some(ledger) = branches.ledger(branch.account) else {
                branch.reading = Reading::Ended;
                return;
            };
            if let Some((interest, weight)) = ledger.read(&mut branch.reading, &branch.ear, LOOKS)
                && branch.is_told(interest)
            {
                interest_line(line, PeerKind::Leaf, None, interest, weight);
                self.egress.send(conn, line);
            }
        }
    }
}

/// The reply with the subject that is shown behind it, if that is not the one that selects who gets the message.
fn reply_with_shown(selects: &[u8], publish: &Publish<'_>) -> Option<Vec<u8>> {
    let reply = publish.reply.filter(|reply| reply.starts_with(ACKS) && selects != publish.subject)?;
    Some([reply, b"@", publish.subject].concat())
}

/// Rows of a ledger that are looked at for one that somebody is to be told.
const LOOKS: usize = 16;

fn interest_line(
    line: &mut Vec<u8>,
    kind: PeerKind,
    account: Option<&str>,
    interest: &Interest,
    weight: u32,
) {
    line.clear();
    let key = interest.key(account.map(str::as_bytes));
    if weight > 0 {
        encode::interest(line, kind, &key, weight)
    } else {
        encode::no_interest(line, kind, &key)
    }
}

/// All of a message that comes before its body.
fn front(line: &mut Vec<u8>, kind: PeerKind, message: &PeerMessage<'_>) {
    line.clear();
    encode::peer_message(line, kind, message);
    // The end of a body that is not in it.
    line.truncate(line.len() - 2);
}
