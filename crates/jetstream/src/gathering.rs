//! LIST of streams: which ones an answer tells of is known where the directory is, and what is told of each where it
//! lives. What all shards are asked for comes in letters of a few streams each.

use std::collections::BTreeMap;

use fabric::ShardId;
use js_proto::{ApiAnswer, ApiError, ApiPage, StreamInfo, StreamListAnswer, Versioned};

use crate::api::lists::answer_or;
use crate::home::Home;
use crate::homes::Homes;
use crate::letters::Word;
use crate::registrar::Registrar;
use crate::request::Request;
use crate::turn::Turn;

/// Lists that are gathered at a time: each may have the configurations of so many streams as an answer has. Those that
/// come beyond that wait to be begun.
const LISTS_MAX: usize = 8;

/// Streams that a letter asks for.
const TOLD_AT_ONCE: usize = 32;

/// What is being gathered.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    lists: BTreeMap<u32, List>,
    last_ticket: u32,
}

/// An answer that is put together.
#[derive(Debug)]
struct List {
    request: Request,
    page: ApiPage,
    infos: Vec<Option<StreamInfo>>,
    /// Letters that have yet to come.
    left: usize,
}

/// What this shard is asked to tell of some of its streams.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) account: usize,
    ticket: u32,
    streams: Vec<(u32, String)>,
}

/// What there is to tell of them, each with its number.
pub(crate) struct Infos {
    pub(crate) account: usize,
    pub(crate) ticket: u32,
    pub(crate) infos: Vec<(u32, StreamInfo)>,
}

impl Gathering {
    /// Whether as many lists are gathered as may be.
    pub(crate) fn is_full(&self) -> bool {
        self.lists.len() >= LISTS_MAX
    }
}

impl Registrar {
    /// Answers LIST with these streams, now or once all shards have told what it takes.
    pub(crate) fn gather(
        &mut self,
        homes: &mut Homes,
        turn: &mut Turn<'_>,
        request: Request,
        page: ApiPage,
        streams: &[(String, ShardId)],
    ) {
        if streams.is_empty() {
            return finish_list(homes.own(), turn, &request, Ok((page, Vec::new())));
        }
        self.gathering.last_ticket = self.gathering.last_ticket.wrapping_add(1);
        let (ticket, account) = (self.gathering.last_ticket, request.account);
        let infos = vec![None; streams.len()];
        let mut letters = Vec::new();
        for shard in ShardId::all(turn.shards) {
            let there = streams.iter().enumerate().filter(|(_, (_, at))| *at == shard);
            let there: Vec<_> = there.map(|(number, (name, _))| (number as u32, name.clone())).collect();
            letters.extend(there.chunks(TOLD_AT_ONCE).map(|some| (shard, some.to_vec())));
        }
        self.gathering.lists.insert(ticket, List { request, page, infos, left: letters.len() });
        for (shard, streams) in letters {
            if shard == turn.shard {
                homes.asked.push_back(Asked { account, ticket, streams });
            } else {
                turn.write_to(shard, account, b"list", &Word::Tell { ticket, streams });
            }
        }
    }

    /// What a shard tells of some of its streams.
    pub(crate) fn on_told(
        &mut self,
        homes: &mut Homes,
        turn: &mut Turn<'_>,
        ticket: u32,
        infos: Vec<(u32, StreamInfo)>,
    ) {
        let Some(list) = self.gathering.lists.get_mut(&ticket) else { return };
        list.left -= 1;
        for (number, info) in infos {
            if let Some(place) = list.infos.get_mut(number as usize) {
                *place = Some(info);
            }
        }
        if list.left > 0 {
            return;
        }
        if let Some(List { request, page, infos, .. }) = self.gathering.lists.remove(&ticket) {
            let infos = infos.into_iter().flatten().collect();
            finish_list(homes.own(), turn, &request, Ok((page, infos)));
        }
    }
}

/// Answers LIST.
pub(crate) fn finish_list(
    home: &mut Home,
    turn: &mut Turn<'_>,
    request: &Request,
    gathered: Result<(ApiPage, Vec<StreamInfo>), ApiError>,
) {
    let none = || StreamListAnswer { streams: Some(Vec::new()), ..StreamListAnswer::new() };
    let answer = gathered.map(|(page, mut streams)| {
        for info in &mut streams {
            // What servers say of themselves is left out where there are many.
            info.config = info.config.clone().kept();
        }
        StreamListAnswer { page, streams: Some(streams), ..none() }
    });
    home.give(turn, request, &answer_or(none(), answer));
}

impl Asked {
    pub(crate) fn new(account: usize, ticket: u32, streams: Vec<(u32, String)>) -> Self {
        Self { account, ticket, streams }
    }
}

impl Homes {
    /// Tells what it was asked for, unless a stream is in the middle of something. Gives back what there is to tell.
    pub(crate) fn tell_next(&mut self, turn: &mut Turn<'_>) -> Option<Infos> {
        let asked = self.asked.pop_front()?;
        let mut infos = Vec::with_capacity(asked.streams.len());
        for (number, name) in &asked.streams {
            turn.spend(LISTED_STEPS);
            let Some(at) = self.having(asked.account, name) else { continue };
            let Some((_, slot)) = self.at(at).find(asked.account, name) else { continue };
            if slot.is_busy() {
                self.asked.push_back(asked);
                return None;
            }
            infos.push((*number, slot.info(turn)));
        }
        Some(Infos { account: asked.account, ticket: asked.ticket, infos })
    }
}

/// What it costs to tell of a stream, in steps.
const LISTED_STEPS: u64 = 64;
