//! Dead letters: messages that a consumer does not deliver any more go to the stream that keeps them, wherever that is, and
//! word comes back once they are safe there.
//!
//! A letter is a message like others for the stream that keeps it: under the subject that it had, with what it said, and
//! headers that say where it died, and why. Its id is made of where it was, so that one that is sent twice is kept once. What
//! is not taken now is sent again: nothing of a letter waits where it is to be kept.

use fabric::ShardId;
use js_proto::{ApiError, Timestamp, errors, headers};
use streams::{Answer, Found, Incoming};

use consumers::{Consumer, DeadLetter, Death};

use crate::consumer_set::ConsumerKey;
use crate::home::Home;
use crate::homes::Homes;
use crate::letters::Word;
use crate::post::Message;
use crate::publishes::Taken;
use crate::role::LETTERS_PREFIX;
use crate::sender::Sender;
use crate::slot::Slot;
use crate::turn::Turn;

/// What it costs to send a letter, in steps.
const LETTER_STEPS: u64 = 48;

/// Bytes of a header block that streams take.
const HEADER_BYTES_MAX: usize = u16::MAX as usize;

impl Turn<'_> {
    /// Where a stream is, if there is one of that name.
    pub(crate) fn shard_of(&self, account: usize, stream: &str) -> Option<ShardId> {
        self.broker.owner(account, &[LETTERS_PREFIX, stream.as_bytes()].concat())
    }
}

impl Home {
    /// Sends letters of a consumer, as far as the turn goes.
    pub(crate) fn send_letters(&mut self, turn: &mut Turn<'_>, key: ConsumerKey) {
        let at = turn.moment();
        while turn.may_go_on()
            && let Some(slot) = self.streams.get_mut(&key.stream)
            && let Some(letter) =
                slot.consumers.at(key.consumer).and_then(|consumer| consumer.next_letter(&at))
        {
            turn.spend(LETTER_STEPS);
            self.send_letter(turn, key, &letter);
        }
    }

    fn send_letter(&mut self, turn: &mut Turn<'_>, key: ConsumerKey, letter: &DeadLetter) {
        let at = turn.moment();
        let Some(slot) = self.streams.get_mut(&key.stream) else { return };
        let account = slot.account();
        let Slot { stream, medium, consumers, .. } = slot;
        let Some(consumer) = consumers.at(key.consumer) else { return };
        let Some(info) = consumer.dead_letters() else { return };
        let Some(shard) = turn.shard_of(account, &info.into) else {
            return self.on_letter_refused(turn, key, letter.seq, errors::STREAM_NOT_FOUND.error());
        };
        let index = stream.index();
        let Some(row) = index.get(letter.seq) else {
            // It is about to be said that it is gone.
            return consumer.on_letter_waits(&at, letter.seq);
        };
        let (header, payload, death) = match medium.read(&mut self.disk, row.place) {
            Found::Said(said) => (said.header, said.payload, letter.death),
            Found::Lost => (&b""[..], &b""[..], Death::Unreadable),
            Found::Wait => {
                self.reading.push(key);
                return consumer.on_letter_waits(&at, letter.seq);
            }
        };
        let header = header_of(consumer, letter, death, row.time, header);
        let word = Word::DeadLetter {
            sender: Sender {
                shard: turn.shard,
                stream: consumer.stream_name().as_bytes().into(),
                consumer: consumer.name().as_bytes().into(),
                seq: letter.seq,
            },
            subject: index.subject(row.subject),
            body: payload,
        };
        let mut body = Vec::new();
        word.write(&mut body);
        consumer.on_letter_sent(&at, letter.seq, header.len() + body.len());
        turn.spend(((header.len() + body.len()) >> 9) as u64);
        let message = Message::new(account, info.into.as_bytes(), &body);
        turn.post.write_to(turn.broker, shard, &Message { header: &header, ..message });
    }

    /// Word of a letter that a consumer here sent.
    pub(crate) fn on_word_of_letter(
        &mut self,
        turn: &mut Turn<'_>,
        account: usize,
        sender: &Sender,
        refused: Option<ApiError>,
    ) {
        let Some(key) = self.key(account, &sender.stream, &sender.consumer) else { return };
        // While nobody may look at the stream word counts for nothing: the letter is sent again later.
        if self.is_held_up(key.stream) {
            return;
        }
        if let Some(why) = refused {
            return self.on_letter_refused(turn, key, sender.seq, why);
        }
        let at = turn.moment();
        let consumer = self.streams.get_mut(&key.stream).and_then(|slot| slot.consumers.at(key.consumer));
        let mut out = consumers::Effects::new();
        consumer.into_iter().for_each(|consumer| consumer.on_letter_kept(&at, sender.seq, &mut out));
        self.carry_out_of_consumer(turn, key, None, &mut out);
        self.time_consumer(key);
        self.line_up(key);
    }

    fn on_letter_refused(&mut self, turn: &mut Turn<'_>, key: ConsumerKey, seq: u64, why: ApiError) {
        let at = turn.moment();
        let Some(slot) = self.streams.get_mut(&key.stream) else { return };
        let (account, stream) = (slot.account(), slot.config().name.clone());
        let Some(consumer) = slot.consumers.at(key.consumer) else { return };
        if consumer.on_letter_refused(&at, seq, why.clone()) {
            let (account, name) = (&self.accounts[account].name, consumer.name());
            tracing::warn!("Dead letters of consumer '{account} > {stream} > {name}' are not kept: {why}");
        }
        self.time_consumer(key);
    }

    /// Keeps a letter in a stream here, if that goes now. Whoever sent it hears what becomes of it.
    fn keep_letter(
        &mut self,
        turn: &mut Turn<'_>,
        account: usize,
        into: &str,
        letter: &Incoming<'_>,
        sender: Sender,
    ) {
        let bytes = letter.header.len() + letter.payload.len();
        let Some((id, slot)) = self.find(account, into) else {
            return turn.tell_sender(account, &sender, Some(errors::STREAM_NOT_FOUND.error()));
        };
        let is_mirror = slot.config().mirror.is_some();
        if is_mirror {
            let why = errors::STREAM_STORE_FAILED.with(&[&"a mirror keeps no letters"]);
            return turn.tell_sender(account, &sender, Some(why));
        }
        let back = sender.clone();
        let may_take = self.may_show() && !self.is_held_up(id) && self.may_take(bytes);
        if !may_take || self.take_letter(turn, id, letter, sender) == Taken::Later {
            let why = errors::STREAM_STORE_FAILED.with(&[&"the stream is busy"]);
            turn.tell_sender(account, &back, Some(why));
        }
    }

    /// It is known what became of a letter.
    pub(crate) fn tell_sender(&self, turn: &mut Turn<'_>, account: usize, sender: &Sender, answer: Answer) {
        let refused = match answer {
            Answer::Stored { .. } | Answer::Counted { .. } | Answer::Duplicate { .. } => None,
            Answer::Refused(why) => Some(why),
            _ => Some(errors::STREAM_STORE_FAILED.with(&[&"it is no message for the stream"])),
        };
        turn.tell_sender(account, sender, refused);
    }
}

impl Homes {
    /// A letter for a stream of that name.
    pub(crate) fn on_letter(
        &mut self,
        turn: &mut Turn<'_>,
        account: usize,
        into: &str,
        letter: &Incoming<'_>,
        sender: Sender,
    ) {
        match self.having(account, into) {
            Some(at) => self.at(at).keep_letter(turn, account, into, letter, sender),
            None => turn.tell_sender(account, &sender, Some(errors::STREAM_NOT_FOUND.error())),
        }
    }

    /// Word of a letter.
    pub(crate) fn on_word_of_letter(
        &mut self,
        turn: &mut Turn<'_>,
        account: usize,
        sender: &Sender,
        refused: Option<ApiError>,
    ) {
        let stream = String::from_utf8_lossy(&sender.stream);
        if let Some(at) = self.having(account, &stream) {
            self.at(at).on_word_of_letter(turn, account, sender, refused);
        }
    }
}

impl Turn<'_> {
    fn tell_sender(&mut self, account: usize, sender: &Sender, refused: Option<ApiError>) {
        let word = Word::LetterKept { consumer: &sender.consumer, seq: sender.seq, refused };
        self.write_to(sender.shard, account, &sender.stream, &word);
    }
}

/// What stands above a letter: what the message said of itself, but for what it asked a stream to do, and where it died. If
/// that is too long for a stream, the former is left out.
fn header_of(consumer: &Consumer, letter: &DeadLetter, death: Death, time: i64, header: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    streams::keep_header(header, is_kept, &mut out);
    add_lines(consumer, letter, death, time, header, &mut out);
    if out.len() > HEADER_BYTES_MAX {
        out.clear();
        add_lines(consumer, letter, death, time, b"", &mut out);
        streams::add_header(&mut out, headers::DEAD_HEADERS, b"left out");
    }
    out
}

fn add_lines(
    consumer: &Consumer,
    letter: &DeadLetter,
    death: Death,
    time: i64,
    header: &[u8],
    out: &mut Vec<u8>,
) {
    let (stream, name, seq) = (consumer.stream_name(), consumer.name(), letter.seq);
    let created = consumer.created().unix_nanos().unwrap_or(0);
    let id = format!("dead.{stream}.{name}.{created}.{seq}");
    let time = Timestamp::from_unix_nanos(time).to_string();
    let said: String = letter.reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    for (key, value) in [
        (headers::MSG_ID, &*id),
        (headers::DEAD_REASON, death.word()),
        (headers::DEAD_STREAM, stream),
        (headers::DEAD_CONSUMER, name),
        (headers::DEAD_SEQUENCE, &seq.to_string()),
        (headers::DEAD_DELIVERIES, &letter.deliveries.to_string()),
        (headers::DEAD_TIME, &time),
    ] {
        streams::add_header(out, key, value.as_bytes());
    }
    if !said.is_empty() {
        streams::add_header(out, headers::DEAD_SAID, said.as_bytes());
    }
    if let Some((_, id)) = headers::fields(header).find(|(key, _)| *key == headers::MSG_ID.as_bytes()) {
        streams::add_header(out, headers::DEAD_MSG_ID, id);
    }
}

/// Whether a line stays: what a message asks of the stream that stores it was for another one.
fn is_kept(name: &[u8]) -> bool {
    let asks = [
        headers::MSG_ID,
        headers::ROLLUP,
        headers::TTL,
        headers::INCR,
        headers::COUNTER_SOURCES,
        headers::STREAM_SOURCE,
    ];
    let prefixes = [headers::EXPECTED_PREFIX, headers::BATCH_PREFIX, headers::SCHEDULE, headers::DEAD_PREFIX];
    !asks.iter().any(|ask| ask.as_bytes() == name)
        && !prefixes.iter().any(|prefix| name.starts_with(prefix.as_bytes()))
}
