//! The homes of a shard.

use std::collections::VecDeque;

use crate::gathering::Asked;
use crate::home::Home;
use crate::letters::Verdict;
use crate::reports::Report;
use crate::request::Request;
use crate::tenant::StreamId;
use crate::turn::Turn;

/// What tells the tags of streams in a log that is not the shard's own. Below are the numbers that streams of the own
/// one have, which are also their tags.
const FOREIGN: u32 = 1 << 31;

/// Behind that stands which home it is, then which of its streams.
const HOME_SHIFT: u32 = 24;

/// How many homes a shard may have: what is beyond has no tags.
const HOMES_MAX: usize = 127;

/// All homes of the shard.
#[derive(Debug)]
pub(crate) struct Homes {
    /// The first one has the shard's own log, or none, and gets what is new.
    all: Vec<Home>,
    /// What the shard with the directory has asked to be told: at most what its lists ask for.
    pub(crate) asked: VecDeque<Asked>,
    /// Which one comes first in a turn.
    first: usize,
}

impl Homes {
    pub(crate) fn new(own: Home) -> Self {
        Self { all: vec![own], asked: VecDeque::new(), first: 0 }
    }

    pub(crate) fn own(&mut self) -> &mut Home {
        &mut self.all[0]
    }

    pub(crate) fn at(&mut self, index: usize) -> &mut Home {
        &mut self.all[index]
    }

    /// One more, for a log that no shard has as its own. There are no more than [`HOMES_MAX`].
    pub(crate) fn push(&mut self, mut home: Home) -> Option<&mut Home> {
        let index = self.all.len();
        if index >= HOMES_MAX {
            return None;
        }
        home.index = index as u8;
        self.all.push(home);
        self.all.last_mut()
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Home> {
        self.all.iter()
    }

    /// All, as they come in this turn.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Home> {
        let (last, first) = self.all.split_at_mut(self.first);
        first.iter_mut().chain(last)
    }

    /// Another one comes first in the next turn.
    pub(crate) fn rotate(&mut self) {
        self.first = (self.first + 1) % self.all.len();
    }

    /// The next that the directory has to hear.
    pub(crate) fn next_report(&mut self) -> Option<Report> {
        self.all.iter_mut().find_map(|home| home.reports.pop_front())
    }

    /// The one with that log.
    pub(crate) fn with_log(&mut self, log: u32) -> Option<&mut Home> {
        self.all.iter_mut().find(|home| home.log == log)
    }

    /// Whether there is only the shard's own.
    pub(crate) fn are_one(&self) -> bool {
        self.all.len() == 1
    }

    /// Which one has a stream.
    pub(crate) fn having(&mut self, account: usize, stream: &str) -> Option<usize> {
        if let [home] = &mut self.all[..] {
            return home.find(account, stream).map(|_| 0);
        }
        self.all.iter_mut().position(|home| home.find(account, stream).is_some())
    }

    /// Which one has the stream whose messages are got there: itself, or a copy that stands in for it.
    pub(crate) fn having_direct(&mut self, account: usize, stream: &str) -> Option<usize> {
        self.all.iter_mut().position(|home| home.direct(account, stream).is_some())
    }

    /// Which one has the stream that gets letters with that tag.
    pub(crate) fn by_tag(&self, tag: u32) -> Option<usize> {
        let index = if tag & FOREIGN == 0 { 0 } else { ((tag & !FOREIGN) >> HOME_SHIFT) as usize };
        (index < self.all.len()).then_some(index)
    }

    /// The stream that one takes messages from is gone, or there.
    pub(crate) fn on_origin(
        &mut self,
        turn: &mut Turn<'_>,
        account: usize,
        stream: &str,
        origin: &str,
        is_there: bool,
    ) {
        if let Some(at) = self.having(account, stream) {
            self.at(at).on_origin(turn, account, stream, origin, is_there);
        }
    }

    /// Has the home that has its stream answer a request: the first one if none has.
    pub(crate) fn take(&mut self, turn: &mut Turn<'_>, request: Request, ordered: Option<Verdict>) {
        let at = self.having(request.account, request.stream()).unwrap_or(0);
        let home = self.at(at);
        match ordered {
            Some(verdict) => home.on_order(turn, request, verdict),
            None => home.on_request(turn, request),
        }
    }
}

/// What the tags of a home begin with whose log is not the shard's own.
pub(crate) fn foreign_tag(index: u8) -> u32 {
    FOREIGN | u32::from(index) << HOME_SHIFT
}

impl Home {
    /// The tag of what comes for a stream.
    pub(crate) fn tag_of(&mut self, id: StreamId) -> u32 {
        if self.index == 0 {
            return id.0;
        }
        self.foreign.push(id);
        foreign_tag(self.index) | (self.foreign.len() - 1) as u32
    }

    /// The stream with that tag.
    pub(crate) fn tagged(&self, tag: u32) -> Option<StreamId> {
        if self.index == 0 {
            return Some(StreamId(tag));
        }
        self.foreign.get((tag & ((1 << HOME_SHIFT) - 1)) as usize).copied()
    }
}
