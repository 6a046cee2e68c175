//! Puts frames into a buffer.

use nats_proto::Publish;

use crate::shard::ShardId;

use super::layout::{
    HAS_GROUPS, HAS_HEADER, HAS_OTHER_SUBJECT, HAS_QUEUE, HAS_REPLY, HAS_TICKET, INTEREST, IS_FAR, IS_FIRM,
    LETTER, MESSAGE, MESSAGE_HEAD_BYTES, MOVE, MOVE_ASK, MOVE_DONE, MOVE_PAUSE, MOVE_RESUME, NEXT_MESSAGE,
    OFFER_REPLY, PILED, PLAIN, SERVED, STALL, WAS_FAR, WAS_FIRM,
};
use super::{Interest, Letter, MeshMessage, MoveStep, Served};

pub(crate) fn put_message<'g>(
    out: &mut Vec<u8>,
    message: &MeshMessage<'_>,
    groups: impl Iterator<Item = &'g [u8]> + Clone,
) {
    let publish = &message.publish;
    let reply = publish.reply.unwrap_or_default();
    let header_text = publish.header.map_or(&[][..], |header| header.text);
    let groups_len: usize = groups.clone().map(|name| 4 + name.len()).sum();
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };

    let mut head = [0; MESSAGE_HEAD_BYTES];
    head[0] = MESSAGE;
    head[1] = flag(message.plain, PLAIN)
        | flag(publish.reply.is_some(), HAS_REPLY)
        | flag(publish.header.is_some(), HAS_HEADER)
        | flag(message.ticket != 0, HAS_TICKET)
        | flag(groups_len > 0, HAS_GROUPS)
        | flag(message.other_subject.is_some(), HAS_OTHER_SUBJECT);
    // The decoder takes sizes of at most nine digits, so their texts fit a byte.
    head[2] = header_text.len() as u8;
    head[3] = publish.size_text.len() as u8;
    head[4..8].copy_from_slice(&message.account.to_le_bytes());
    head[8..16].copy_from_slice(&message.origin.to_le_bytes());
    head[16..20].copy_from_slice(&(publish.subject.len() as u32).to_le_bytes());
    head[20..24].copy_from_slice(&(reply.len() as u32).to_le_bytes());
    head[24..28].copy_from_slice(&(publish.body.len() as u32).to_le_bytes());

    let variable = publish.subject.len() + reply.len() + header_text.len() + publish.size_text.len();
    out.reserve(MESSAGE_HEAD_BYTES + 16 + groups_len + variable + publish.body.len());
    out.extend_from_slice(&head);
    if message.ticket != 0 {
        put_u64(out, message.ticket);
    }
    if let Some(header) = publish.header {
        put_u32(out, header.bytes as u32);
    }
    if groups_len > 0 {
        put_u32(out, groups_len as u32);
        for name in groups {
            put_bytes(out, name);
        }
    }
    if let Some(subject) = message.other_subject {
        put_bytes(out, subject);
    }
    out.extend_from_slice(publish.subject);
    out.extend_from_slice(reply);
    if !header_text.is_empty() {
        out.extend_from_slice(header_text);
    }
    out.extend_from_slice(publish.size_text);
    out.extend_from_slice(publish.body);
}

pub(crate) fn put_letter(out: &mut Vec<u8>, letter: &Letter<'_>) {
    let mut head = [LETTER, 0, 0, 0, 0, 0, 0];
    head[1..3].copy_from_slice(&letter.service.to_le_bytes());
    head[3..].copy_from_slice(&letter.tag.to_le_bytes());
    out.extend_from_slice(&head);
    put_message(out, &letter.message, std::iter::empty());
}

/// Puts a bare message that differs from the last bare one in its payload only.
pub(crate) fn put_next_message(out: &mut Vec<u8>, publish: &Publish<'_>) {
    let mut head = [NEXT_MESSAGE, publish.size_text.len() as u8, 0, 0, 0, 0];
    head[2..].copy_from_slice(&(publish.body.len() as u32).to_le_bytes());
    out.reserve(head.len() + publish.size_text.len() + publish.body.len());
    out.extend_from_slice(&head);
    out.extend_from_slice(publish.size_text);
    out.extend_from_slice(publish.body);
}

pub(crate) fn put_interest(out: &mut Vec<u8>, interest: &Interest<'_>) {
    out.push(INTEREST);
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    out.push(
        flag(interest.queue.is_some(), HAS_QUEUE)
            | flag(interest.before.firm, WAS_FIRM)
            | flag(interest.now.firm, IS_FIRM)
            | flag(interest.before.far, WAS_FAR)
            | flag(interest.now.far, IS_FAR),
    );
    put_u32(out, interest.account);
    put_u32(out, interest.before.weight);
    put_u32(out, interest.now.weight);
    put_bytes(out, interest.filter);
    if let Some(queue) = interest.queue {
        put_bytes(out, queue);
    }
}

pub(crate) fn put_served(out: &mut Vec<u8>, served: &Served<'_>) {
    out.extend_from_slice(&[SERVED, u8::from(served.begins)]);
    put_u32(out, served.account);
    put_bytes(out, served.filter);
}

pub(crate) fn put_offer_reply<'g>(
    out: &mut Vec<u8>,
    ticket: u64,
    taken: bool,
    refused: impl Iterator<Item = &'g [u8]> + Clone,
) {
    out.push(OFFER_REPLY);
    out.push(u8::from(taken));
    put_u64(out, ticket);
    put_u32(out, refused.clone().map(|name| 4 + name.len()).sum::<usize>() as u32);
    for name in refused {
        put_bytes(out, name);
    }
}

pub(crate) fn put_stall(out: &mut Vec<u8>, origin: u64) {
    out.push(STALL);
    put_u64(out, origin);
}

pub(crate) fn put_piled(out: &mut Vec<u8>, origin: u64, deliveries: u64) {
    out.push(PILED);
    put_u64(out, origin);
    put_u64(out, deliveries);
}

pub(crate) fn put_move(out: &mut Vec<u8>, step: MoveStep) {
    let (kind, epoch, from, to) = match step {
        MoveStep::Ask { to } => (MOVE_ASK, 0, ShardId(0), to),
        MoveStep::Pause { epoch, from, to } => (MOVE_PAUSE, epoch, from, to),
        MoveStep::Done => (MOVE_DONE, 0, ShardId(0), ShardId(0)),
        MoveStep::Resume => (MOVE_RESUME, 0, ShardId(0), ShardId(0)),
    };
    out.extend_from_slice(&[MOVE, kind, from.0, to.0]);
    put_u64(out, epoch);
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, bytes.len() as u32);
    out.extend_from_slice(bytes);
}
