//! What a key may be called, what value it takes, and what it does.

use std::ffi::OsStr;
use std::time::Duration;

use nats_conf::{ConfError, Data, Entry, Map, Value};
use nats_proto::{Compression, quote};

use crate::config::report::Report;
use crate::config::time::text_or_seconds;
use crate::options::Options;
use crate::reload::rule::{Outcome, Rule};

/// A key of a block that fills a `T`.
pub(crate) struct Row<T: 'static> {
    pub(crate) names: &'static [&'static str],
    pub(crate) effect: Effect<T>,
    /// nats-server does not have it: whatever is wrong with its value is said with the key.
    pub(crate) is_own: bool,
    /// What a reload does with it, if the block is compared by its rows.
    pub(crate) rule: Rule,
    /// It is read, and refused unless it asks for nothing: with what is missing.
    pub(crate) until: Option<Missing>,
}

/// How something is written that asks for nothing, and what is missing for all else.
pub(crate) type Missing = (Idle, &'static str);

/// What comes of a value that was set; the error is the reason to show.
pub(crate) type Set = Result<(), String>;

/// The kind of value that a key takes, and what the value does. Flags have most of them too: see [`Self::form`].
pub(crate) enum Effect<T: 'static> {
    Switch(fn(&mut T, bool)),
    /// What is wrong with the number is said with the key's first name before it.
    Integer(fn(&mut T, i64) -> Set),
    Text(fn(&mut T, &str) -> Set),
    /// Text that need not be UTF-8 if it comes from a flag.
    OsText(fn(&mut T, &OsStr) -> Set),
    /// A length of time as text, or as it once was a number of seconds. Only for keys.
    Time(fn(&mut T, Duration)),
    /// Anything else. Only for keys.
    Any(fn(&mut T, &Entry, &mut Report)),
    /// Known to nats-server, refused by us unless it asks for nothing; with what is missing.
    NotYet(Idle, &'static str),
}

impl<T> Copy for Effect<T> {}

impl<T> Clone for Effect<T> {
    fn clone(&self) -> Self {
        *self
    }
}

/// How the value of a flag is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `-x` or `-x=false`; never takes the next argument.
    Switch,
    Integer,
    Text,
}

impl<T> Effect<T> {
    /// How a flag with this effect is written.
    pub(crate) fn form(&self) -> Form {
        match self {
            Self::Switch(_) | Self::NotYet(Idle::Off, _) => Form::Switch,
            Self::Integer(_) | Self::NotYet(Idle::Zero, _) => Form::Integer,
            Self::Text(_) | Self::OsText(_) | Self::NotYet(..) => Form::Text,
            Self::Time(_) | Self::Any(_) => unreachable!("no flag has this effect"),
        }
    }
}

/// How a key is written that asks for nothing: nats-server takes it, and nothing comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// It always asks for something.
    Never,
    /// `false`
    Off,
    /// `{}`
    EmptyBlock,
    /// `[]`
    EmptyList,
    /// `""`
    EmptyText,
    /// `0`
    Zero,
    /// `0`, or less.
    NotPositive,
    /// Any word for compression that this server does not begin with.
    Uncompressed,
}

impl Idle {
    fn is(self, value: &Value) -> bool {
        match self {
            Self::Never => false,
            Self::Off => value.as_bool() == Ok(false),
            Self::EmptyBlock => value.as_map().is_ok_and(Map::is_empty),
            Self::EmptyList => value.as_array().is_ok_and(<[_]>::is_empty),
            Self::EmptyText => value.as_str() == Ok(""),
            Self::Zero => value.as_integer() == Ok(0),
            Self::NotPositive => value.as_integer().is_ok_and(|number| number <= 0),
            Self::Uncompressed => match &value.data {
                Data::Bool(on) => !on,
                Data::String(word) => !asks_for_compression(word),
                Data::Map(map) => map.iter().all(|mode| mode.is("mode") && self.is(&mode.value)),
                _ => false,
            },
        }
    }
}

fn asks_for_compression(word: &str) -> bool {
    let mode = Compression::of_setting(word, Compression::S2Fast);
    mode.is_none_or(|mode| mode.is_on() && mode != Compression::Accept)
}

pub(crate) const fn row<T>(names: &'static [&'static str], effect: Effect<T>) -> Row<T> {
    Row { names, effect, is_own: false, rule: Rule::None, until: None }
}

/// A key that a reload may not change: nats-server's name for it, and what is shown of it.
pub(crate) const fn fixed<T>(
    names: &'static [&'static str],
    effect: Effect<T>,
    name: &'static str,
    shown: fn(&Options) -> String,
) -> Row<T> {
    Row { names, effect, is_own: false, rule: Rule::Fixed(name, shown), until: None }
}

/// A key of which it may be that a reload may change it.
pub(crate) const fn compared<T>(
    names: &'static [&'static str],
    effect: Effect<T>,
    compare: fn(&Options, &Options) -> Outcome,
) -> Row<T> {
    Row { names, effect, is_own: false, rule: Rule::By(compare), until: None }
}

/// How a block speaks of keys that it does not have.
pub(crate) type Unknown = fn(&str) -> Option<String>;

/// For most blocks: `unknown field "x"`.
pub(crate) const UNKNOWN_FIELD: Unknown = |_| None;

/// Reads a block by its table, in the order of the text.
pub(crate) fn read_block<T>(
    map: &Map,
    table: &[Row<T>],
    unknown: Unknown,
    target: &mut T,
    report: &mut Report,
) {
    map.iter().for_each(|entry| read_entry(entry, table, unknown, target, report));
}

/// The same, but it ends where a value is not of the type that its key takes: so do nats-server's readers of
/// users, which then know of none. True if there is no such value.
pub(crate) fn read_users_block<T>(map: &Map, table: &[Row<T>], target: &mut T, report: &mut Report) -> bool {
    map.iter().all(|entry| {
        let before = report.errors.len();
        read_entry(entry, table, UNKNOWN_FIELD, target, report);
        // What lies deeper in the value has its own place, and its own reader.
        let is_of_entry = |error: &ConfError| matches!(error, ConfError::WrongType { position, .. } if *position == entry.value.position);
        !report.errors[before..].iter().any(is_of_entry)
    })
}

fn read_entry<T>(entry: &Entry, table: &[Row<T>], unknown: Unknown, target: &mut T, report: &mut Report) {
    let row = table.iter().find(|row| row.has(entry));
    apply_or_refuse(row, entry, unknown, target, report);
}

/// Does what an entry says by its row, if it has one.
pub(crate) fn apply_or_refuse<T>(
    row: Option<&Row<T>>,
    entry: &Entry,
    unknown: Unknown,
    target: &mut T,
    report: &mut Report,
) {
    match row {
        Some(row) => {
            let before = report.errors.len();
            row.apply(entry, target, report);
            if let Some((idle, missing)) = row.until
                && report.errors.len() == before
                && !idle.is(&entry.value)
            {
                report.refuse(&entry.value, not_yet(&entry.key, missing));
            }
        }
        None if entry.used_as_variable => {}
        None => {
            let reason = unknown(&entry.key);
            let reason = reason.unwrap_or_else(|| format!("unknown field {}", quote(&entry.key)));
            report.refuse(&entry.value, reason);
        }
    }
}

impl<T> Row<T> {
    /// It is read, so that mistakes are told apart, and refused while that is missing.
    pub(crate) const fn until(self, missing: Option<Missing>) -> Self {
        Self { until: missing, ..self }
    }

    /// What is missing for it, and how it may be written all the same.
    pub(crate) fn missing(&self) -> Option<Missing> {
        match self.effect {
            Effect::NotYet(idle, missing) => Some((idle, missing)),
            _ => self.until,
        }
    }

    pub(crate) fn has(&self, entry: &Entry) -> bool {
        self.names.iter().any(|name| entry.is(name))
    }

    fn apply(&self, entry: &Entry, target: &mut T, report: &mut Report) {
        if self.is_own {
            if let Err(reason) = self.apply_own(&entry.value, target) {
                report.refuse(&entry.value, invalid(entry, &reason));
            }
            return;
        }
        let value = &entry.value;
        let set = match self.effect {
            Effect::Switch(set) => value.as_bool().map(|on| {
                set(target, on);
                Ok(())
            }),
            Effect::Integer(set) => value
                .as_integer()
                .map(|number| set(target, number).map_err(|reason| format!("{} {reason}", self.names[0]))),
            Effect::Text(set) => value.as_str().map(|text| set(target, text)),
            Effect::OsText(set) => value.as_str().map(|text| set(target, OsStr::new(text))),
            Effect::Time(set) => {
                if let Some(time) = text_or_seconds(entry, self.names[0], report) {
                    set(target, time);
                }
                return;
            }
            Effect::NotYet(idle, _) if idle.is(value) => Ok(Ok(())),
            Effect::NotYet(_, missing) => Ok(Err(not_yet(&entry.key, missing))),
            Effect::Any(set) => {
                set(target, entry, report);
                return;
            }
        };
        let checked = set.and_then(|set| set.map_err(|reason| value.refused(reason)));
        report.ok(checked);
    }

    fn apply_own(&self, value: &Value, target: &mut T) -> Set {
        match self.effect {
            Effect::Switch(set) => set(target, value.as_bool().map_err(|_| "must be true or false")?),
            Effect::Integer(set) => set(target, value.as_integer().map_err(|_| "must be a whole number")?)?,
            Effect::Text(set) => set(target, value.as_str().map_err(|_| "must be text")?)?,
            Effect::OsText(set) => set(target, OsStr::new(value.as_str().map_err(|_| "must be text")?))?,
            Effect::Time(_) | Effect::Any(_) | Effect::NotYet(..) => {
                unreachable!("no key of ours has this effect")
            }
        }
        Ok(())
    }
}

/// What is wrong with a value of ours. It is shown only if it is of a kind that is taken somewhere.
fn invalid(entry: &Entry, reason: &str) -> String {
    let shown = match &entry.value.data {
        Data::String(text) => format!(" {}", quote(text)),
        Data::Integer(number) => format!(" {number}"),
        _ => String::new(),
    };
    format!("invalid value{shown} for {}: {reason}", entry.key)
}

/// The reason to refuse a key of nats-server that we do not have.
pub(crate) fn not_yet(key: &str, missing: &str) -> String {
    format!("{key} is not supported yet: {missing}")
}

/// The texts of a value that is one text or an array of them. `what` begins the reason that is noted for
/// anything else; `in_array` follows it for elements, all of which are then looked at, as nats-server does it.
pub(crate) fn texts(value: &Value, what: &str, in_array: &str, report: &mut Report) -> Option<Vec<String>> {
    let is_array = value.as_array().is_ok();
    let mut texts = Vec::new();
    for element in value.one_or_many() {
        match element.as_str() {
            Ok(text) => texts.push(text.to_owned()),
            Err(_) => {
                let place = if is_array { in_array } else { "" };
                let found = element.data.type_name();
                report.refuse(element, format!("{what}: unsupported type {place}{found}"));
                if place.is_empty() {
                    return None;
                }
            }
        }
    }
    Some(texts)
}
