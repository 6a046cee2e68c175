//! From a verb to a step: the three shapes of op both directions share.

use crate::ProtoError;
use crate::limits::{Limits, Step};
use crate::line::{Blanks, Scan};
use crate::op::HeaderLen;
use crate::tokens;
use crate::verb::Verb;

/// The arguments of a message line, sorted by meaning.
pub(crate) struct MessageLine<'a> {
    pub(crate) subject: &'a [u8],
    /// Empty for what a client publishes.
    pub(crate) sid: &'a [u8],
    pub(crate) reply: Option<&'a [u8]>,
    pub(crate) header_text: Option<&'a [u8]>,
    pub(crate) size_text: &'a [u8],
}

/// A message and its bytes.
pub(crate) struct RawMessage<'a> {
    pub(crate) line: MessageLine<'a>,
    pub(crate) header: Option<HeaderLen<'a>>,
    pub(crate) body: &'a [u8],
}

/// An op that is its verb; whatever else stands on the line is skipped.
#[inline]
pub(crate) fn bare<T>(
    scan: &mut Scan,
    verb: Verb,
    input: &[u8],
    limits: &Limits,
    op: T,
) -> Result<Step<T>, ProtoError> {
    match scan.ignored_args(input, verb, limits)? {
        Some(used) => Ok(consumed(scan, used, op)),
        None => Ok(need_one_more(input)),
    }
}

/// An op that is one line of text.
#[inline]
pub(crate) fn text<'a, T>(
    scan: &mut Scan,
    verb: Verb,
    input: &'a [u8],
    limits: &Limits,
    read: impl FnOnce(&'a [u8]) -> T,
) -> Result<Step<T>, ProtoError> {
    match scan.args(input, verb, limits)? {
        Some(line) => Ok(consumed(scan, line.end, read(line.args))),
        None => Ok(need_one_more(input)),
    }
}

/// An op that is one line of at most `N` arguments, given their meaning by `sort`.
#[inline(always)]
pub(crate) fn arguments<'a, T, const N: usize>(
    scan: &mut Scan,
    verb: Verb,
    input: &'a [u8],
    limits: &Limits,
    sort: impl FnOnce(&[&'a [u8]]) -> Option<T>,
) -> Result<Step<T>, ProtoError> {
    let Some((tokens, end)) = scan.tokens::<N>(input, verb, Blanks::AndLineEnds, limits)? else {
        return Ok(need_one_more(input));
    };
    let op = sort(tokens.as_slice()).ok_or_else(|| tokens::bad_arguments(verb))?;
    Ok(consumed(scan, end, op))
}

/// A line and the payload it announces. `sort` gives the at most `N` arguments their meaning.
#[inline(always)]
pub(crate) fn message<'a, const N: usize>(
    scan: &mut Scan,
    verb: Verb,
    input: &'a [u8],
    limits: &Limits,
    sort: impl FnOnce(&[&'a [u8]]) -> Option<MessageLine<'a>>,
) -> Result<Step<RawMessage<'a>>, ProtoError> {
    let Some((tokens, end)) = scan.tokens::<N>(input, verb, Blanks::Plain, limits)? else {
        return Ok(need_one_more(input));
    };
    let line = sort(tokens.as_slice()).ok_or_else(|| tokens::bad_arguments(verb))?;
    let (header, size) = tokens::sizes(verb, line.header_text, line.size_text, limits)?;
    Ok(body(scan, input, end, size)?.map(|body| RawMessage { line, header, body }))
}

/// The payload of that size behind a line, and its end.
#[inline(always)]
pub(crate) fn body<'a>(
    scan: &mut Scan,
    input: &'a [u8],
    end: usize,
    size: usize,
) -> Result<Step<&'a [u8]>, ProtoError> {
    let used = end + size + CR_LF.len();
    match input.get(end + size..) {
        Some([b'\r', b'\n', ..]) => Ok(consumed(scan, used, &input[end..end + size])),
        None | Some([] | [b'\r']) => Ok(Step::NeedMore { at_least: used }),
        Some(_) => Err(ProtoError::BadPayloadEnd),
    }
}

const CR_LF: &[u8] = b"\r\n";

#[inline(always)]
pub(crate) fn consumed<T>(scan: &mut Scan, used: usize, op: T) -> Step<T> {
    scan.reset();
    Step::Op { used, op }
}

#[inline(always)]
pub(crate) fn need_one_more<T>(input: &[u8]) -> Step<T> {
    Step::NeedMore { at_least: input.len() + 1 }
}

/// The text of an `-ERR` line: one pair of quotes around it is taken off.
pub(crate) fn without_quotes(text: &[u8]) -> &[u8] {
    match text {
        [b'\'', inner @ .., b'\''] => inner,
        _ => text,
    }
}

/// The text of a `CONNECT` or `INFO` line. Where the line is the bare verb, the line end was taken
/// for the first byte of the text; JSON skips it, and nobody else needs to see it.
pub(crate) fn json_text(args: &[u8]) -> &[u8] {
    if args == b"\r" { &[] } else { args }
}
