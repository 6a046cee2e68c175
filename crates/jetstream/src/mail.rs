//! Letters, and whom they are for: one of the homes of the shard, who has the directory, or the shard as such.
//!
//! Each home acts on what is for it in the order in which it came. While its log takes nothing its letters wait, and those
//! for others go on.

use broker::{CLAIMED, SIBLING, TraceTicket};
use fabric::{Letter, Mailbox};
use js_proto::ACK_PREFIX;

use crate::disk::Disk;
use crate::gathering::{Asked, Infos};
use crate::home::Home;
use crate::jet_stream::Desk;
use crate::letters::Word;
use crate::publishes::Taken;
use crate::registrar::is_of_directory;
use crate::reports::Report;
use crate::request::Request;
use crate::role::{FIRST, Role};
use crate::sender::Sender;
use crate::turn::Turn;

/// What it takes to read a letter, beside what it causes.
const LETTER_STEPS: u64 = 8;

/// Bytes of letters that wait for one home. Beyond that the shard takes in nothing at all: then mailboxes fill, and
/// publishers are held.
const HOME_MAIL_BYTES_MAX: usize = 4 << 20;

/// What only streams act on: with one home all of it is for that, which drops what is for none of its streams.
const OF_STREAMS: [&[u8]; 3] = [ACK_PREFIX, b"$JS.API.DIRECT.GET.", b"$JS.API.CONSUMER.MSG.NEXT."];

/// Whom a letter is for.
enum For {
    Home(usize),
    /// Whoever has the directory, as long as no stream of this shard is meant.
    Directory,
    Shard,
    Nobody,
}

impl Desk {
    /// Acts on letters in the order in which they came. What there is no time for stays in the mailbox. Returns whether
    /// logs have to be waited for.
    pub(crate) fn take_mail(&mut self, turn: &mut Turn<'_>, mailbox: &mut Mailbox) -> bool {
        for home in self.homes.iter_mut() {
            home.take_held(turn);
            home.take_kept(turn);
        }
        loop {
            // Also where there is no time for it: the broker does not say a second time that there is something.
            if mailbox.is_empty() {
                mailbox.clear();
                let service = turn.post.service();
                turn.broker.take_mail(service, mailbox);
            }
            if !turn.may_go_on() {
                return false;
            }
            let Some((letter, next)) = mailbox.peek() else { return false };
            let whom = self.whom(turn, &letter);
            if let For::Home(at) = whom
                && self.homes.at(at).mail.len() >= HOME_MAIL_BYTES_MAX
            {
                return true;
            }
            turn.spend(LETTER_STEPS);
            match whom {
                For::Home(at) => self.homes.at(at).take_or_keep(turn, &letter),
                For::Directory => self.on_request(turn, Request::read(turn.shard, &letter.message)),
                For::Shard => self.on_word(turn, &letter),
                For::Nobody => end_trace(turn, &letter),
            }
            mailbox.pass(next);
        }
    }

    fn whom(&mut self, turn: &Turn<'_>, letter: &Letter<'_>) -> For {
        if letter.tag == SIBLING {
            return For::Shard;
        }
        if letter.tag != CLAIMED {
            return self.homes.by_tag(letter.tag).map_or(For::Nobody, For::Home);
        }
        let message = &letter.message;
        let is_of_streams = |prefix: &&[u8]| message.publish.subject.starts_with(prefix);
        if self.homes.are_one() && OF_STREAMS.iter().any(is_of_streams) {
            return For::Home(0);
        }
        let (stream, otherwise) = match Role::of(message.publish.subject, &turn.config.domain) {
            Some(Role::Api(api)) if is_of_directory(api.kind) => return For::Directory,
            Some(Role::Api(api)) => (api.stream, For::Directory),
            Some(Role::Next(next)) => (next.stream, For::Nobody),
            Some(Role::Get(get)) => {
                let stream = str::from_utf8(get.stream).unwrap_or_default();
                let at = self.homes.having_direct(message.account as usize, stream);
                return at.map_or(For::Nobody, For::Home);
            }
            Some(Role::Ack(ack)) => (ack.stream, For::Nobody),
            Some(Role::FlowControl(flow)) => (flow.stream, For::Nobody),
            Some(Role::Explain(asked)) => {
                let stream = str::from_utf8(asked.stream).unwrap_or_default();
                return For::Home(self.homes.having(message.account as usize, stream).unwrap_or(0));
            }
            Some(Role::Unknown | Role::Letters(_)) | None => return For::Nobody,
        };
        let stream = str::from_utf8(stream).unwrap_or_default();
        self.homes.having(message.account as usize, stream).map_or(otherwise, For::Home)
    }

    /// A request that no stream here answers.
    fn on_request(&mut self, turn: &mut Turn<'_>, request: Request) {
        match &mut self.registrar {
            _ if turn.config.is_off => {}
            Some(registrar) => registrar.on_request(&mut self.homes, turn, request),
            None => turn.pass_on(FIRST, &request, None),
        }
    }

    /// A letter of JetStream on another shard.
    fn on_word(&mut self, turn: &mut Turn<'_>, letter: &Letter<'_>) {
        let (message, publish) = (&letter.message, &letter.message.publish);
        let account = message.account as usize;
        match (Word::read(publish), &mut self.registrar) {
            (Word::Request { via, from, ordered, body }, registrar) => {
                let (subject, header) = (publish.subject, publish.headers());
                let request = Request::new(account, subject, publish.reply, header, body, from);
                match registrar {
                    Some(registrar) if ordered.is_none() => {
                        registrar.on_passed(&mut self.homes, turn, request, via);
                    }
                    _ => self.homes.take(turn, request, ordered),
                }
            }
            (Word::Stream { at, state }, Some(registrar)) => {
                let stream = String::from_utf8_lossy(publish.subject).into_owned();
                registrar.on_report(&mut self.homes, turn, at, Report { account, stream, state });
            }
            (Word::Audit { conn, body, answer }, _) => {
                let row = self.homes.own().account(account);
                turn.tell_audit(row, account, Some(conn), (publish.subject, body), answer);
            }
            (Word::Origin { name, is_there }, _) => {
                let stream = String::from_utf8_lossy(publish.subject);
                self.homes.on_origin(turn, account, &stream, &String::from_utf8_lossy(name), is_there);
            }
            (Word::DeadLetter { sender, subject, body }, _) => {
                let (now, header) = (turn.clocks.wall.0, publish.headers());
                let letter = streams::Incoming { now, subject, header, payload: body };
                let into = String::from_utf8_lossy(publish.subject);
                self.homes.on_letter(turn, account, &into, &letter, sender);
            }
            (Word::LetterKept { consumer, seq, refused }, _) => {
                let (stream, consumer) = (publish.subject.into(), consumer.into());
                let sender = Sender { shard: turn.shard, stream, consumer, seq };
                self.homes.on_word_of_letter(turn, account, &sender, refused);
            }
            (Word::Ready, Some(registrar)) => registrar.on_begun(&mut self.homes, turn),
            (Word::Failed { at }, Some(registrar)) => registrar.directory.on_log_failed(at),
            (Word::Told { ticket, infos }, Some(registrar)) => {
                registrar.on_told(&mut self.homes, turn, ticket, infos);
            }
            (Word::Tell { ticket, streams }, _) => {
                self.homes.asked.push_back(Asked::new(account, ticket, streams));
            }
            (Word::Stream { .. } | Word::Ready | Word::Failed { .. } | Word::Told { .. }, None) => {
                unreachable!("that is for the shard with the directory")
            }
        }
    }

    /// Goes on with looking for streams, and with having them go.
    pub(crate) fn go_on_searching(&mut self, turn: &mut Turn<'_>) {
        if let Some(registrar) = &mut self.registrar {
            registrar.go_on_searching(&mut self.homes, turn);
            registrar.go_on_purging(&mut self.homes, turn);
        }
    }

    /// Whether that could go on.
    pub(crate) fn is_searching(&self) -> bool {
        self.registrar.as_ref().is_some_and(|registrar| registrar.may_search() || registrar.may_purge())
    }

    /// Tells what the shard with the directory asked for.
    pub(crate) fn tell_all_asked(&mut self, turn: &mut Turn<'_>) {
        while turn.may_go_on()
            && let Some(Infos { account, ticket, infos }) = self.homes.tell_next(turn)
        {
            match &mut self.registrar {
                Some(registrar) => registrar.on_told(&mut self.homes, turn, ticket, infos),
                None => turn.write_to(FIRST, account, b"list", &Word::Told { ticket, infos }),
            }
        }
    }

    /// Has the directory hear what has become of streams here, and of the log that new ones would be in.
    pub(crate) fn send_reports(&mut self, turn: &mut Turn<'_>) {
        let has_failed = self.homes.own().disk.as_ref().is_some_and(Disk::has_failed);
        if has_failed && !std::mem::replace(&mut self.has_told_failure, true) {
            match &mut self.registrar {
                Some(registrar) => registrar.directory.on_log_failed(turn.shard),
                None => turn.write_to(FIRST, 0, b"failed", &Word::Failed { at: turn.shard }),
            }
        }
        while let Some(report) = self.homes.next_report() {
            match &mut self.registrar {
                Some(registrar) => registrar.on_report(&mut self.homes, turn, turn.shard, report),
                None => {
                    let Report { account, stream, state } = report;
                    let word = Word::Stream { at: turn.shard, state };
                    turn.write_to(FIRST, account, stream.as_bytes(), &word);
                }
            }
        }
    }
}

/// Who has the way of a message told hears nothing of it from here.
fn end_trace(turn: &mut Turn<'_>, letter: &Letter<'_>) {
    if let Some(ticket) = TraceTicket::of(&letter.message) {
        turn.broker.tell_trace(ticket, None);
    }
}

impl Home {
    /// Acts on a letter, or keeps it until the log takes more, behind those that were kept before.
    fn take_or_keep(&mut self, turn: &mut Turn<'_>, letter: &Letter<'_>) {
        if self.mail.is_empty() && self.may_act_on(letter) {
            self.on_letter(turn, letter);
        } else {
            self.mail.push(letter);
        }
    }

    /// Acts on what was kept, as far as that goes now.
    fn take_kept(&mut self, turn: &mut Turn<'_>) {
        if self.mail.is_empty() {
            return;
        }
        let mut mail = std::mem::take(&mut self.mail);
        while turn.may_go_on()
            && let Some((letter, next)) = mail.peek()
            && self.may_act_on(&letter)
        {
            turn.spend(LETTER_STEPS);
            self.on_letter(turn, &letter);
            mail.pass(next);
        }
        if mail.is_empty() {
            mail.clear();
        }
        self.mail = mail;
    }

    fn may_act_on(&mut self, letter: &Letter<'_>) -> bool {
        let may = self.may_take(letter.message.publish.body.len());
        // If it is not for the log it is for what takes several turns.
        self.mail_waits = !may && !self.has_too_much();
        may
    }

    /// Does what a letter asks for, unless its stream cannot tell yet what is to be done.
    pub(crate) fn act_on(&mut self, turn: &mut Turn<'_>, letter: &Letter<'_>) -> Taken {
        let message = &letter.message;
        if !self.may_show() {
            self.refuse_letter(turn, letter);
            return Taken::Yes;
        }
        if letter.tag != CLAIMED {
            return self.act_on_tagged(turn, letter);
        }
        match Role::of(message.publish.subject, &turn.config.domain) {
            Some(Role::Api(_)) if turn.config.is_off => {}
            Some(Role::Api(_)) => self.on_request(turn, Request::read(turn.shard, message)),
            Some(Role::Next(next)) => self.on_next(turn, message, &next),
            Some(Role::Get(get)) => self.on_get(turn, message, &get),
            Some(Role::Ack(ack)) => self.on_ack(turn, message, &ack),
            Some(Role::FlowControl(flow)) => self.on_flow_control(turn, message, &flow),
            Some(Role::Explain(asked)) => self.on_explain(turn, message, &asked),
            Some(Role::Unknown | Role::Letters(_)) | None => {}
        }
        Taken::Yes
    }

    /// The same with what a subscription brought: messages for a stream, or what it takes from another one.
    fn act_on_tagged(&mut self, turn: &mut Turn<'_>, letter: &Letter<'_>) -> Taken {
        let message = &letter.message;
        let is_of_link = self.is_link_tag(letter.tag);
        if !is_of_link && let Some(id) = self.tagged(letter.tag) {
            return self.on_message(turn, id, message);
        }
        end_trace(turn, letter);
        if is_of_link { self.on_relayed(turn, letter.tag, message) } else { Taken::Yes }
    }

    /// Whether something that was kept can be acted on.
    pub(crate) fn has_mail(&self) -> bool {
        !self.mail.is_empty() && !self.mail_waits
    }
}
