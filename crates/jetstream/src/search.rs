//! Which streams NAMES and LIST tell of. There may be very many streams, so they are gone through over turns.
//!
//! One request after the other, so that what is found for answers that are not complete is bounded.

use std::collections::VecDeque;

use fabric::ShardId;
use js_proto::{
    ApiAnswer, ApiError, ApiPage, LIST_MAX, NAMES_MAX, RequestBody, RequestKind, StreamNamesAnswer,
    StreamsRequest,
};
use subject_trie::valid_filters_overlap;

use crate::api::lists::page;
use crate::api::told::may_ask;
use crate::gathering::finish_list;
use crate::homes::Homes;
use crate::registrar::Registrar;
use crate::request::Request;
use crate::step::Answer;
use crate::stream_directory::{Entry, StreamDirectory};
use crate::turn::Turn;

/// Requests that look for streams: the first one goes on. How many may wait is bounded with all requests of an account.
pub(crate) type Searches = VecDeque<(Request, Search)>;

/// How far one is.
#[derive(Debug)]
pub(crate) struct Search {
    subject: String,
    offset: usize,
    /// How many an answer tells of.
    max: usize,
    /// The last stream that was looked at.
    after: Option<String>,
    /// How many take such a subject.
    total: usize,
    /// Those that the answer tells of, and where they are.
    found: Vec<(String, ShardId)>,
}

impl Search {
    fn of(homes: &mut Homes, turn: &Turn<'_>, request: &Request) -> Result<Self, ApiError> {
        may_ask(homes.own(), request)?;
        let asked = StreamsRequest::read(&request.body, turn.config.unknown_fields)?;
        Ok(Self {
            subject: asked.subject,
            offset: usize::try_from(asked.offset).unwrap_or(0),
            max: if is_list(request) { LIST_MAX } else { NAMES_MAX },
            after: None,
            total: 0,
            found: Vec::new(),
        })
    }

    /// Goes on, as far as the turn goes. Says whether that is all.
    fn go_on(&mut self, directory: &StreamDirectory, account: usize, turn: &mut Turn<'_>) -> bool {
        let after = self.after.take();
        let mut last: Option<&String> = None;
        for (name, entry) in directory.streams_behind(account, after.as_deref()) {
            if !turn.may_go_on() {
                // None may have been looked at.
                self.after = last.or(after.as_ref()).cloned();
                return false;
            }
            turn.spend(1 + entry.extent.subjects.len() as u64);
            if self.is_meant(entry) {
                if self.total >= self.offset && self.found.len() < self.max {
                    self.found.push((name.clone(), entry.shard));
                }
                self.total += 1;
            }
            last = Some(name);
        }
        true
    }

    fn is_meant(&self, entry: &Entry) -> bool {
        let overlaps = |theirs: &String| valid_filters_overlap(theirs.as_bytes(), self.subject.as_bytes());
        self.subject.is_empty() || entry.extent.subjects.iter().any(overlaps)
    }

    fn page(&self) -> ApiPage {
        page(self.total, self.offset as i64, self.max).0
    }
}

fn is_list(request: &Request) -> bool {
    request.asked().kind == RequestKind::StreamList
}

impl Registrar {
    /// Answers NAMES or LIST, behind those that came before.
    pub(crate) fn search(&mut self, homes: &mut Homes, turn: &mut Turn<'_>, request: Request) {
        match Search::of(homes, turn, &request) {
            Ok(search) => self.searches.push_back((request, search)),
            Err(error) if is_list(&request) => return finish_list(homes.own(), turn, &request, Err(error)),
            Err(error) => {
                let answer = Answer::of::<StreamNamesAnswer>(Err(error));
                return homes.own().give(turn, &request, &answer);
            }
        }
        if self.searches.len() == 1 {
            self.go_on_searching(homes, turn);
        }
    }

    /// Whether a search can go on: not while as many lists are gathered as may be.
    pub(crate) fn may_search(&self) -> bool {
        self.searches.front().is_some_and(|(request, _)| !is_list(request) || !self.gathering.is_full())
    }

    /// Goes on with what was looked for, as far as the turn goes.
    pub(crate) fn go_on_searching(&mut self, homes: &mut Homes, turn: &mut Turn<'_>) {
        while turn.may_go_on()
            && self.may_search()
            && let Some((request, mut search)) = self.searches.pop_front()
        {
            if !search.go_on(&self.directory, request.account, turn) {
                return self.searches.push_front((request, search));
            }
            if is_list(&request) {
                self.gather(homes, turn, request, search.page(), &search.found);
            } else {
                let names: Vec<String> = search.found.iter().map(|(name, _)| name.clone()).collect();
                let streams = (!names.is_empty()).then_some(names);
                let answer = StreamNamesAnswer { page: search.page(), streams, ..StreamNamesAnswer::new() };
                homes.own().give(turn, &request, &Answer::of(Ok(answer)));
            }
        }
    }
}
