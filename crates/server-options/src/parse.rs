//! Go's flag grammar over the table.
//!
//! One dash or two mean the same; a value follows `=` or is the next argument, even one that starts
//! with a dash; a switch takes a value only behind `=`; the last of several wins; flags end at `--` or
//! at the first word that is no flag.
//!
//! A table by hand rather than clap: long names behind one dash, `-T=false`, the peer's error texts and
//! exit codes would all have to be put in front of clap or taken out again behind it, leaving it a map
//! from names to rows.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::command_line::{CommandLine, Flag, Value};
use crate::config::row::Form;
use crate::copies::{CopyKind, copy_call};
use crate::dev::{DEV, dev_call};
use crate::draft::Draft;
use crate::error::OptionsError;
use crate::go_value::{integer, switch};
use crate::http_calls::{HTTP, http_call};
use crate::invocation::{Invocation, SignalCall};
use crate::program::program;
use crate::replays::{REPLAY, replay_call};
use crate::row::Row;
use crate::store_calls::{FSCK, store_call};
use crate::table::{OPTIONS, RENAMED};
use crate::usage::usage;

/// Reads a command line; of its first item, the program, only the name counts, as [`program`] has it.
///
/// # Errors
/// The first thing wrong with the flags as they are read, left to right, or else with what they mean
/// together. See [`OptionsError::report`] for what to print.
pub fn parse<I: IntoIterator<Item = OsString>>(args: I) -> Result<Invocation, OptionsError> {
    let mut args = args.into_iter();
    let program = program(&args.next().unwrap_or_default());
    let mut flags = Vec::new();
    let command = loop {
        let Some(arg) = args.next() else { break None };
        if arg == "--" {
            break args.next();
        }
        let Some(words) = split_flag(&arg)? else { break Some(arg) };
        flags.push(read_flag(words, &mut args)?);
    };
    if command.as_deref().is_some_and(|word| word == FSCK) {
        return store_call(program, !flags.is_empty(), args);
    }
    if let Some(kind) = command.as_ref().and_then(CopyKind::find) {
        return copy_call(program, kind, !flags.is_empty(), args);
    }
    if command.as_deref().is_some_and(|word| word == REPLAY) {
        return replay_call(program, !flags.is_empty(), args);
    }
    if command.as_deref().is_some_and(|word| word == DEV) {
        return dev_call(program, !flags.is_empty(), args, parse);
    }
    if command.as_deref().is_some_and(|word| word == HTTP) {
        return http_call(program, !flags.is_empty(), args);
    }
    let refused = flags.iter().find_map(refusal);
    let command_line = CommandLine::new(flags);
    let mut draft = Draft::default();
    command_line.lay_over(&mut draft)?;
    decide(program, draft, command.as_deref(), refused, command_line)
}

/// What the flags and the first word that is no flag ask for together.
///
/// The order is nats-server's: version, help, the command word, then what is wrong with the options.
fn decide(
    program: &str,
    mut draft: Draft,
    command: Option<&OsStr>,
    refused: Option<OptionsError>,
    command_line: CommandLine,
) -> Result<Invocation, OptionsError> {
    let is_command = |word| command.is_some_and(|command| command.eq_ignore_ascii_case(word));
    if draft.asked.version || (is_command("version") && !draft.asked.help) {
        return Ok(Invocation::PrintVersion);
    }
    let is_help = draft.asked.help || (is_command("help") && !draft.asked.tls_help);
    if is_help {
        return Ok(Invocation::PrintHelp(usage(program)));
    }
    if draft.asked.tls_help {
        return Ok(Invocation::PrintTlsHelp);
    }
    if let Some(command) = command {
        return Err(OptionsError::UnrecognizedCommand(command.to_string_lossy().into_owned()));
    }
    if let Some(error) = refused {
        return Err(error);
    }
    if let Some(signal) = &draft.asked.signal {
        return SignalCall::read(signal).map(Invocation::Signal);
    }
    let command_line = command_line.with_config(draft.asked.config.take());
    match (draft.asked.check, command_line.config()) {
        (true, None) => Err(OptionsError::NothingToCheck),
        (true, Some(_)) => Ok(Invocation::Check(command_line)),
        (false, Some(_)) => Ok(Invocation::Run(command_line)),
        (false, None) => draft.finish().map(|_| Invocation::Run(command_line)),
    }
}

/// A flag that we do not have may be given, as long as it asks for nothing.
fn refusal(flag: &Flag) -> Option<OptionsError> {
    let missing = flag.row.missing.filter(|_| !flag.value.asks_for_nothing())?;
    Some(OptionsError::NotSupported { flag: flag.name, missing })
}

struct Words<'a> {
    name: &'a [u8],
    /// What follows `=`, when there is one.
    inline: Option<OsString>,
}

/// Takes a flag apart; `None` when the argument is no flag.
fn split_flag(arg: &OsStr) -> Result<Option<Words<'_>>, OptionsError> {
    let bytes = arg.as_bytes();
    let body = match bytes {
        [b'-', b'-', body @ ..] | [b'-', body @ ..] if bytes.len() > 1 => body,
        _ => return Ok(None),
    };
    if matches!(body, [] | [b'-' | b'=', ..]) {
        return Err(OptionsError::BadSyntax(arg.to_string_lossy().into_owned()));
    }
    let (name, inline) = match body.iter().position(|&byte| byte == b'=') {
        Some(equals) => (&body[..equals], Some(OsString::from_vec(body[equals + 1..].to_vec()))),
        None => (body, None),
    };
    Ok(Some(Words { name, inline }))
}

/// The option with a flag of this name, and the name as its row spells it.
fn find(name: &[u8]) -> Option<(&'static Row, &'static str)> {
    OPTIONS.iter().find_map(|row| {
        let known = row.flags.iter().find(|known| known.as_bytes() == name)?;
        Some((row, *known))
    })
}

fn read_flag(flag: Words<'_>, rest: &mut impl Iterator<Item = OsString>) -> Result<Flag, OptionsError> {
    let Some((row, name)) = find(flag.name) else { return Err(unknown(flag.name)) };
    let value = match row.by_flag.form() {
        Form::Switch => Value::Switch(switch_value(name, flag.inline)?),
        Form::Integer => {
            let value = value(name, flag.inline, rest)?;
            Value::Integer(integer(&value).map_err(|reason| bad_value(name, &value, reason))?)
        }
        Form::Text => Value::Text(value(name, flag.inline, rest)?),
    };
    Ok(Flag { row, name, value })
}

fn unknown(name: &[u8]) -> OptionsError {
    match RENAMED.iter().find(|(before, _)| before.as_bytes() == name) {
        Some((flag, now)) => OptionsError::RenamedFlag { flag, now },
        None => OptionsError::UnknownFlag(String::from_utf8_lossy(name).into_owned()),
    }
}

fn switch_value(flag: &'static str, inline: Option<OsString>) -> Result<bool, OptionsError> {
    let Some(value) = inline else { return Ok(true) };
    switch(&value)
        .ok_or_else(|| OptionsError::BadSwitch { value: value.to_string_lossy().into_owned(), flag })
}

fn value(
    flag: &'static str,
    inline: Option<OsString>,
    rest: &mut impl Iterator<Item = OsString>,
) -> Result<OsString, OptionsError> {
    inline.or_else(|| rest.next()).ok_or(OptionsError::MissingValue(flag))
}

fn bad_value(flag: &'static str, value: &OsStr, reason: &str) -> OptionsError {
    OptionsError::BadValue { value: value.to_string_lossy().into_owned(), flag, reason: reason.to_owned() }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
