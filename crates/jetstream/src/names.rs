//! Which streams and consumers there are, and on which shard: what every shard knows of all of them, to know whom a
//! subject belongs to.
//!
//! One shard, the first, decides and tells the others ([`News`]); each acts on what it is told in the turn in which
//! it hears of it. Who makes or deletes something answers once all shards have heard.

use std::collections::BTreeMap;

use fabric::ShardId;
use nats_proto::Publish;

/// A name as it stands in a subject.
pub(crate) type Name = Box<[u8]>;

/// All streams and consumers, by account.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// By the index of the account.
    accounts: Vec<OfAccount>,
}

#[derive(Debug, Default)]
struct OfAccount {
    streams: BTreeMap<Name, StreamEntry>,
    /// Copies that stand in for a stream, and the shards that have them.
    stand_ins: BTreeMap<Name, BTreeMap<Name, ShardId>>,
}

/// What is to be known of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamEntry {
    /// Where it is.
    pub(crate) shard: ShardId,
    /// Whether its messages can be got directly.
    pub(crate) is_direct: bool,
    /// Whether acknowledgements are listened to, by name.
    consumers: BTreeMap<Name, bool>,
    /// The stream that it is a copy of, and whose messages can be got from it.
    stands_in_for: Option<Name>,
}

/// What changes in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct News<'a> {
    pub(crate) account: usize,
    pub(crate) stream: &'a [u8],
    pub(crate) change: Change<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// There is such a stream, and it is so.
    Stream { shard: ShardId, is_direct: bool },
    /// The stream is gone, and its consumers.
    NoStream,
    /// It has such a consumer.
    Consumer { name: &'a [u8], takes_acks: bool },
    /// It has no such consumer any more.
    NoConsumer(&'a [u8]),
    /// It is on that shard, and messages of another stream can be got from it, or of none.
    StandIn { shard: ShardId, of: Option<&'a [u8]> },
}

impl Names {
    pub(crate) fn stream(&self, account: usize, stream: &[u8]) -> Option<&StreamEntry> {
        self.accounts.get(account)?.streams.get(stream)
    }

    /// Where there is a copy of a stream that stands in for it.
    pub(crate) fn stand_in(&self, account: usize, stream: &[u8]) -> Option<ShardId> {
        self.accounts.get(account)?.stand_ins.get(stream)?.values().next().copied()
    }

    pub(crate) fn apply(&mut self, news: &News<'_>) {
        if news.account >= self.accounts.len() {
            self.accounts.resize_with(news.account + 1, OfAccount::default);
        }
        let of_account = &mut self.accounts[news.account];
        let streams = &mut of_account.streams;
        match news.change {
            Change::Stream { shard, is_direct } => {
                let (consumers, stands_in_for) = (BTreeMap::new(), None);
                let fresh = || StreamEntry { shard, is_direct, consumers, stands_in_for };
                let entry = streams.entry(news.stream.into()).or_insert_with(fresh);
                (entry.shard, entry.is_direct) = (shard, is_direct);
            }
            Change::NoStream => {
                let before = streams.remove(news.stream).and_then(|entry| entry.stands_in_for);
                of_account.end_stand_in(before, news.stream);
            }
            Change::StandIn { shard, of } => {
                let Some(entry) = streams.get_mut(news.stream) else { return };
                let before = std::mem::replace(&mut entry.stands_in_for, of.map(Into::into));
                of_account.end_stand_in(before, news.stream);
                if let Some(of) = of {
                    of_account.stand_ins.entry(of.into()).or_default().insert(news.stream.into(), shard);
                }
            }
            Change::Consumer { name, takes_acks } => {
                let consumers = streams.get_mut(news.stream).map(|entry| &mut entry.consumers);
                if let Some(consumers) = consumers {
                    consumers.insert(name.into(), takes_acks);
                }
            }
            Change::NoConsumer(name) => {
                let consumers = streams.get_mut(news.stream).map(|entry| &mut entry.consumers);
                if let Some(consumers) = consumers {
                    consumers.remove(name);
                }
            }
        }
    }
}

impl OfAccount {
    fn end_stand_in(&mut self, of: Option<Name>, stream: &[u8]) {
        let Some(of) = of else { return };
        let Some(copies) = self.stand_ins.get_mut(&of) else { return };
        copies.remove(stream);
        if copies.is_empty() {
            self.stand_ins.remove(&of);
        }
    }
}

impl StreamEntry {
    pub(crate) fn has_consumer(&self, name: &[u8]) -> bool {
        self.consumers.contains_key(name)
    }

    /// Whether there is a consumer that listens to acknowledgements.
    pub(crate) fn takes_acks(&self, name: &[u8]) -> bool {
        self.consumers.get(name) == Some(&true)
    }
}

/// How news is told: the letter's subject is the stream, its reply the consumer or the stream that it stands in for, and its
/// body what has become of them.
impl<'a> News<'a> {
    /// What the letter says. It needs no more than this many bytes.
    pub(crate) fn write(&self, body: &'a mut [u8; 3]) -> Publish<'a> {
        let (words, other) = match self.change {
            Change::Stream { shard, is_direct } => ([b'S', shard.index() as u8, u8::from(is_direct)], None),
            Change::NoStream => ([b's', 0, 0], None),
            Change::Consumer { name, takes_acks } => ([b'C', u8::from(takes_acks), 0], Some(name)),
            Change::NoConsumer(name) => ([b'c', 0, 0], Some(name)),
            Change::StandIn { shard, of } => ([b'D', shard.index() as u8, 0], of),
        };
        *body = words;
        Publish { subject: self.stream, reply: other, header: None, size_text: b"3", body }
    }

    /// Reads such a letter.
    ///
    /// # Panics
    /// It is none: only other shards of the same server write them.
    pub(crate) fn read(account: usize, letter: &Publish<'a>) -> Self {
        let change = match (letter.body, letter.reply) {
            ([b'S', shard, is_direct], None) => {
                Change::Stream { shard: ShardId(*shard), is_direct: *is_direct == 1 }
            }
            ([b's', ..], None) => Change::NoStream,
            ([b'C', takes_acks, _], Some(name)) => Change::Consumer { name, takes_acks: *takes_acks == 1 },
            ([b'c', ..], Some(name)) => Change::NoConsumer(name),
            ([b'D', shard, _], of) => Change::StandIn { shard: ShardId(*shard), of },
            other => panic!("news of streams, not {other:?}"),
        };
        Self { account, stream: letter.subject, change }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(names: &mut Names, stream: &'static str, change: Change<'static>) {
        let mut body = [0; 3];
        let news = News { account: 3, stream: stream.as_bytes(), change };
        let letter = news.write(&mut body);
        assert_eq!(News::read(3, &letter), news);
        names.apply(&News::read(3, &letter));
    }

    #[test]
    fn copies_stand_in_for_a_stream_until_they_do_not() {
        let mut names = Names::default();
        let stands_in = |shard, of: Option<&'static [u8]>| Change::StandIn { shard: ShardId(shard), of };
        for (copy, shard) in [("M", 2), ("N", 1)] {
            told(&mut names, copy, Change::Stream { shard: ShardId(shard), is_direct: false });
            told(&mut names, copy, stands_in(shard, Some(b"O")));
        }
        assert_eq!((names.stand_in(3, b"O"), names.stand_in(2, b"O")), (Some(ShardId(2)), None));
        told(&mut names, "M", stands_in(2, None));
        assert_eq!(names.stand_in(3, b"O"), Some(ShardId(1)));
        told(&mut names, "N", Change::NoStream);
        assert_eq!((names.stand_in(3, b"O"), names.accounts[3].stand_ins.len()), (None, 0));
        told(&mut names, "N", stands_in(1, Some(b"O")));
        assert_eq!(names.stand_in(3, b"O"), None, "it is gone");
    }

    #[test]
    fn what_was_told_is_known() {
        let mut names = Names::default();
        told(&mut names, "S", Change::Stream { shard: ShardId(2), is_direct: false });
        told(&mut names, "S", Change::Consumer { name: b"C", takes_acks: true });
        told(&mut names, "S", Change::Stream { shard: ShardId(2), is_direct: true });
        let entry = names.stream(3, b"S").unwrap();
        assert_eq!((entry.shard, entry.is_direct, entry.has_consumer(b"C")), (ShardId(2), true, true));
        assert_eq!((names.stream(2, b"S"), names.stream(3, b"T"), names.stream(9, b"S")), (None, None, None));
        told(&mut names, "S", Change::NoConsumer(b"C"));
        assert!(!names.stream(3, b"S").unwrap().has_consumer(b"C"));
        told(&mut names, "S", Change::Consumer { name: b"C", takes_acks: true });
        told(&mut names, "S", Change::NoStream);
        told(&mut names, "S", Change::Stream { shard: ShardId(0), is_direct: false });
        assert!(!names.stream(3, b"S").unwrap().has_consumer(b"C"), "it is another stream");
    }
}
