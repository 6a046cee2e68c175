//! Which connections `/connz` is asked for, over HTTP and by messages.

use crate::answer::Answer;
use crate::parameters::{FlagOrDetail, Parameters, limit_of, offset_of};
use crate::snapshot::ConnectionFilter;

/// Connections shown if nothing is said about it.
const LIMIT: usize = 1024;

/// Which connections to show, and what of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnzQuery {
    /// `auth`: who they are.
    pub auth: bool,
    /// `subs`: what they subscribe to.
    pub subs: Subs,
    /// `offset`: connections of the sorted list to leave out.
    pub offset: usize,
    /// `limit`: connections to show at most.
    pub limit: usize,
    /// `cid`: just this one.
    pub cid: Option<u64>,
    /// `state`.
    pub state: State,
    /// `mqtt_client`: just those of an MQTT client, and there are none.
    pub mqtt_client: bool,
    /// `user`: just those of this user.
    pub user: Option<String>,
    /// `acc`: just those of this account.
    pub account: Option<String>,
    /// Just those of that account, of the connections that are there, that listen to something which a filter may match.
    /// Only messages ask for it.
    pub filter_subject: Option<String>,
    /// `sort`: what is shown first.
    pub sort: Sort,
}

impl Default for ConnzQuery {
    /// The first connections that are there, without what they say of themselves.
    fn default() -> Self {
        Self {
            auth: false,
            subs: Subs::Count,
            offset: 0,
            limit: LIMIT,
            cid: None,
            state: State::Open,
            mqtt_client: false,
            user: None,
            account: None,
            filter_subject: None,
            sort: Sort::Cid,
        }
    }
}

/// What to show of a connection's subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subs {
    /// Nothing.
    #[default]
    Count,
    /// Their subjects.
    List,
    /// All.
    Detail,
}

/// Which connections are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Those that are there.
    Open,
    /// Those that ended.
    Closed,
    /// Both.
    Any,
    /// Neither: a number that means nothing.
    Neither,
}

impl State {
    /// The state of that number, as messages ask for it.
    pub fn numbered(number: i64) -> Self {
        match number {
            0 => Self::Open,
            1 => Self::Closed,
            2 => Self::Any,
            _ => Self::Neither,
        }
    }

    /// Whether those that are there are asked for.
    pub fn wants_open(self) -> bool {
        matches!(self, Self::Open | Self::Any)
    }

    /// Whether those that ended are asked for.
    pub fn wants_closed(self) -> bool {
        matches!(self, Self::Closed | Self::Any)
    }
}

/// What connections are sorted by: the smallest first for `Cid`, `Uptime` and `Reason`, else the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// `cid`, `start`.
    Cid,
    /// `subs`.
    Subs,
    /// `pending`.
    Pending,
    /// `msgs_to`.
    MsgsTo,
    /// `msgs_from`.
    MsgsFrom,
    /// `bytes_to`.
    BytesTo,
    /// `bytes_from`.
    BytesFrom,
    /// `last`.
    Last,
    /// `idle`.
    Idle,
    /// `uptime`.
    Uptime,
    /// `stop`.
    Stop,
    /// `reason`.
    Reason,
    /// `rtt`.
    Rtt,
}

const SORTS: [(&str, Sort); 14] = [
    ("cid", Sort::Cid),
    ("start", Sort::Cid),
    ("subs", Sort::Subs),
    ("pending", Sort::Pending),
    ("msgs_to", Sort::MsgsTo),
    ("msgs_from", Sort::MsgsFrom),
    ("bytes_to", Sort::BytesTo),
    ("bytes_from", Sort::BytesFrom),
    ("last", Sort::Last),
    ("idle", Sort::Idle),
    ("uptime", Sort::Uptime),
    ("stop", Sort::Stop),
    ("reason", Sort::Reason),
    ("rtt", Sort::Rtt),
];

impl Sort {
    /// What is called so; nothing is the number of the connection.
    ///
    /// # Errors
    /// There is no such thing, or those that are asked for do not have it: what there is to say.
    pub fn named(name: &str, state: State) -> Result<Self, String> {
        let name = if name.is_empty() { "cid" } else { name };
        let named = SORTS.iter().find(|(sort, _)| *sort == name);
        let (_, sort) = named.ok_or_else(|| format!("invalid sorting option: {name}"))?;
        if matches!(sort, Self::Stop | Self::Reason) && state != State::Closed {
            return Err(format!("sort by {name} only valid on closed connections"));
        }
        Ok(*sort)
    }
}

impl ConnzQuery {
    /// Reads parameters. The outer error is about one that cannot be read, the inner one about what they say.
    pub(crate) fn read(parameters: &Parameters) -> Result<Result<Self, Answer>, Answer> {
        let auth = parameters.flag("auth")?;
        let subs = match parameters.flag_or_detail("subs")? {
            FlagOrDetail::Detail => Subs::Detail,
            FlagOrDetail::Flag(true) => Subs::List,
            FlagOrDetail::Flag(false) => Subs::Count,
        };
        let offset = parameters.offset()?;
        let limit = parameters.limit(LIMIT)?;
        let cid = Some(parameters.uint("cid")?).filter(|cid| *cid > 0);
        let state = read_state(parameters)?;
        let mqtt_client = parameters.text("mqtt_client").is_some();
        let (user, account) = (parameters.owned("user"), parameters.owned("acc"));
        let limit = Self::limited(limit, cid);
        let sorted = |sort| Self {
            auth,
            subs,
            offset,
            limit,
            cid,
            state,
            mqtt_client,
            user,
            account,
            filter_subject: None,
            sort,
        };
        Ok(read_sort(parameters, state).map(sorted))
    }

    /// How many to show at most: one, if one is asked for.
    fn limited(limit: usize, cid: Option<u64>) -> usize {
        if cid.is_some() { 1 } else { limit }
    }

    /// With what a message says: from where on, how many, just which one. What is not above zero says nothing.
    pub fn paged(self, offset: i64, limit: i64, cid: u64) -> Self {
        let cid = Some(cid).filter(|cid| *cid > 0);
        Self { offset: offset_of(offset), limit: Self::limited(limit_of(limit, LIMIT), cid), cid, ..self }
    }

    /// What to ask the shards for. The one with a number is found whoever's it is.
    pub fn filter(&self) -> ConnectionFilter {
        match self.cid {
            Some(_) => ConnectionFilter { cid: self.cid, ..ConnectionFilter::default() },
            None => self.filter_of_closed(),
        }
    }

    /// Which of those that ended are asked for.
    pub fn filter_of_closed(&self) -> ConnectionFilter {
        ConnectionFilter {
            cid: self.cid,
            mqtt_client: self.mqtt_client,
            account: self.account.clone(),
            user: self.user.clone(),
        }
    }
}

fn read_state(parameters: &Parameters) -> Result<State, Answer> {
    let text = parameters.text("state").unwrap_or("open".into());
    match text.to_ascii_lowercase().as_str() {
        "open" => Ok(State::Open),
        "closed" => Ok(State::Closed),
        "any" | "all" => Ok(State::Any),
        _ => Err(Answer::bad_word("Error decoding state for ", parameters.bytes("state"))),
    }
}

fn read_sort(parameters: &Parameters, state: State) -> Result<Sort, Answer> {
    let name = parameters.bytes("sort").unwrap_or_default();
    match str::from_utf8(name) {
        Ok(name) => Sort::named(name, state).map_err(Answer::bad_request),
        Err(_) => Err(Answer::bad_word("invalid sorting option: ", Some(name))),
    }
}
