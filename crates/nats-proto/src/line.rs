//! Finding the end of the line at the front of the input, without looking at a byte twice.
//!
//! The limit counts as nats-server counts: from the first byte that is no blank after the verb, to
//! the line feed, less one if a carriage return came in between. Counting that way only ever grows
//! as bytes arrive, so a line is refused at the same byte however it was cut into reads.
//!
//! Two odd things follow the peer on purpose. The first argument byte is taken as it is, even if it
//! is CR or LF (`CONNECT\r\n` therefore has a CR for its text). And a CR anywhere in a line that ends
//! in a bare LF costs the line its last byte.

use memchr::memchr;

use crate::marks::Marks;
use crate::tokens::Tokens;
use crate::verb::Verb;
use crate::{Limits, ProtoError};

/// How far the front line is known to hold no line feed, so that the next call starts there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scan {
    done: usize,
}

/// What separates arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blanks {
    /// Space and tab: the lines of messages.
    Plain,
    /// CR and LF too, where they are not the line's end: SUB and UNSUB.
    AndLineEnds,
}

/// A whole line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// The arguments, leading blanks and line end taken off.
    pub(crate) args: &'a [u8],
    /// Offset of the first byte after the line.
    pub(crate) end: usize,
}

impl Scan {
    /// Forgets the line: it was consumed, or is not worth remembering.
    #[inline(always)]
    pub(crate) fn reset(&mut self) {
        self.done = 0;
    }

    /// The arguments behind `verb`, once the line is complete.
    #[inline]
    pub(crate) fn args<'a>(
        &mut self,
        input: &'a [u8],
        verb: Verb,
        limits: &Limits,
    ) -> Result<Option<Line<'a>>, ProtoError> {
        let max = limits.control_line_bytes_max;
        let Some(from) = skip_blanks(input, verb.word().len(), max)? else {
            return Ok(None);
        };
        let found = self.line_feed(input, from + 1, from.saturating_add(max).saturating_add(2));
        let until = found.unwrap_or_else(|window_end| window_end);
        let text = &input[from..until];
        // The first byte is text even when it is a CR.
        let line_end = usize::from(has_carriage_return(&text[1..]));
        let args = &text[..text.len() - line_end];
        if args.len() > max {
            return Err(ProtoError::ControlLineTooLong { max });
        }
        Ok(found.ok().map(|line_feed| Line { args, end: line_feed + 1 }))
    }

    /// The same, split at blanks into at most `N` arguments; in one pass, for messages mostly come
    /// with their lines complete.
    #[inline(always)]
    pub(crate) fn tokens<'a, const N: usize>(
        &mut self,
        input: &'a [u8],
        verb: Verb,
        blanks: Blanks,
        limits: &Limits,
    ) -> Result<Option<(Tokens<'a, N>, usize)>, ProtoError> {
        // A line that was looked at before: only what is new can end it.
        if self.done > 0 && self.args(input, verb, limits)?.is_none() {
            return Ok(None);
        }
        let max = limits.control_line_bytes_max;
        let Some(from) = skip_blanks(input, verb.word().len(), max)? else { return Ok(None) };
        let end = from.saturating_add(max).saturating_add(2).min(input.len());
        let text = &input[from..end];
        let (mut tokens, mut start, mut carriage_return) = (Tokens::new(), 0, false);
        for at in Marks::new(text) {
            let is_blank = match text[at] {
                b' ' | b'\t' => true,
                b'\n' if at > 0 => {
                    let until = at - usize::from(carriage_return);
                    if until > max {
                        return Err(ProtoError::ControlLineTooLong { max });
                    }
                    tokens.push(&text[start.min(until)..until]);
                    self.done = from + at;
                    return Ok(Some((tokens, from + at + 1)));
                }
                b'\r' => {
                    carriage_return |= at > 0;
                    blanks == Blanks::AndLineEnds
                }
                b'\n' => blanks == Blanks::AndLineEnds,
                _ => false,
            };
            if is_blank {
                tokens.push(&text[start..at]);
                start = at + 1;
            }
        }
        self.done = end;
        if text.len() - usize::from(carriage_return) > max {
            return Err(ProtoError::ControlLineTooLong { max });
        }
        Ok(None)
    }

    /// The end of a line whose bytes after the verb do not matter, once it is complete.
    #[inline]
    pub(crate) fn ignored_args(
        &mut self,
        input: &[u8],
        verb: Verb,
        limits: &Limits,
    ) -> Result<Option<usize>, ProtoError> {
        let max = limits.control_line_bytes_max;
        let from = verb.word().len();
        if let Some([b'\r', b'\n']) = input.get(from..from + 2) {
            return Ok(Some(from + 2));
        }
        match self.line_feed(input, from, from.saturating_add(max).saturating_add(2)) {
            Ok(line_feed) => Ok(Some(line_feed + 1)),
            Err(seen) if seen - from > max.saturating_add(1) => Err(ProtoError::ControlLineTooLong { max }),
            Err(_) => Ok(None),
        }
    }

    /// The offset of the line feed in `input[from..window_end]`, or else where the search ended.
    #[inline(always)]
    fn line_feed(&mut self, input: &[u8], from: usize, window_end: usize) -> Result<usize, usize> {
        let end = window_end.min(input.len());
        let start = self.done.clamp(from, end.max(from));
        match memchr(b'\n', &input[start..end]) {
            Some(at) => {
                // Kept, for a payload may be waited for and the line looked at again.
                self.done = start + at;
                Ok(start + at)
            }
            None => {
                self.done = end;
                Err(end)
            }
        }
    }
}

#[inline(always)]
fn has_carriage_return(text: &[u8]) -> bool {
    text.last() == Some(&b'\r') || memchr(b'\r', text).is_some()
}

/// The offset of the first byte that is no blank. nats-server does not count these blanks and so
/// takes any number of them; here they have to be kept, so the limit holds for them as well.
#[inline(always)]
fn skip_blanks(input: &[u8], from: usize, max: usize) -> Result<Option<usize>, ProtoError> {
    let blanks = input[from..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    if blanks > max {
        return Err(ProtoError::ControlLineTooLong { max });
    }
    let at = from + blanks;
    Ok((at < input.len()).then_some(at))
}
