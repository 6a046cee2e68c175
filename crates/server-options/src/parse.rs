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

use crate::draft::Draft;
use crate::error::OptionsError;
use crate::go_value::{integer, switch};
use crate::options::Invocation;
use crate::table::{Effect, Section, find};

/// Reads a command line; the first item is the program and is not looked at.
///
/// # Errors
/// The first thing wrong with the flags as they are read, left to right, or else with what they mean
/// together. See [`OptionsError::report`] for what to print.
pub fn parse<I: IntoIterator<Item = OsString>>(args: I) -> Result<Invocation, OptionsError> {
    let mut args = args.into_iter().skip(1);
    let mut draft = Draft::default();
    while let Some(arg) = args.next() {
        if arg == "--" {
            return draft.finish(args.next().as_deref());
        }
        let Some(flag) = split_flag(&arg)? else {
            return draft.finish(Some(&arg));
        };
        apply(&mut draft, flag, &mut args)?;
    }
    draft.finish(None)
}

struct Flag<'a> {
    name: &'a [u8],
    /// What follows `=`, when there is one.
    inline: Option<OsString>,
}

/// Takes a flag apart; `None` when the argument is no flag.
fn split_flag(arg: &OsStr) -> Result<Option<Flag<'_>>, OptionsError> {
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
    Ok(Some(Flag { name, inline }))
}

fn apply(
    draft: &mut Draft,
    flag: Flag<'_>,
    rest: &mut impl Iterator<Item = OsString>,
) -> Result<(), OptionsError> {
    let Some((row, name)) = find(flag.name) else {
        let name = String::from_utf8_lossy(flag.name).into_owned();
        return Err(OptionsError::UnknownFlag(name));
    };
    match row.effect {
        Effect::Switch(set) => set(draft, switch_value(name, flag.inline)?),
        Effect::Integer(set) => {
            let value = value(name, flag.inline, rest)?;
            set(draft, integer(&value).map_err(|reason| bad_value(name, &value, reason))?);
        }
        Effect::Text(set) => {
            let value = value(name, flag.inline, rest)?;
            set(draft, value.clone()).map_err(|reason| bad_value(name, &value, reason))?;
        }
    }
    if row.section == Section::NotYet {
        draft.refuse(name);
    }
    Ok(())
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

fn bad_value(flag: &'static str, value: &OsStr, reason: &'static str) -> OptionsError {
    OptionsError::BadValue { value: value.to_string_lossy().into_owned(), flag, reason }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
