//! Maps, arrays, and the brackets that may stand around a whole text.

use super::Parser;
use super::entry::Place;
use crate::cursor::{is_blank, is_line_end};
use crate::{ConfError, Map, Value};

/// What may follow a value where it stands.
struct Ending {
    /// Taken and passed over.
    passed: fn(char) -> bool,
    /// What ends the value, beside line ends.
    separators: &'static [char],
    /// What ends the brackets the value stands in.
    closing: Option<char>,
    /// Whether a comment ends the value. If not, its line's end does.
    at_comment: bool,
    /// Whether a single slash ends the value. If not, it is passed over.
    at_slash: bool,
    /// Whether the text may end here.
    at_end_of_text: bool,
    /// What is missing if something else follows.
    expected: &'static str,
}

/// Beside no brackets. One closing bracket too many is let pass.
const TOP_VALUE: Ending = Ending {
    passed: is_blank,
    separators: &['\n', '\r', ',', ';', '}'],
    closing: None,
    at_comment: true,
    at_slash: false,
    at_end_of_text: true,
    expected: "a top-level value to end with a new line, comment or EOF",
};

/// In the brackets around the text.
const BLOCK_VALUE: Ending = Ending {
    separators: &['\n', '\r', ',', ';'],
    closing: Some('}'),
    at_comment: false,
    at_end_of_text: false,
    expected: "a block-level value to end with a new line, comment or EOF",
    ..TOP_VALUE
};

/// Behind brackets within the brackets around the text.
const BLOCK: Ending = Ending {
    passed: |c| is_blank(c) || is_line_end(c),
    separators: &[',', ';'],
    at_comment: true,
    expected: "a block-level to end with a '}'",
    ..BLOCK_VALUE
};

const MAP_VALUE: Ending = Ending {
    at_slash: true,
    expected: "a map value terminator \",\" or a map terminator \"}\"",
    ..BLOCK_VALUE
};

const ARRAY_VALUE: Ending = Ending {
    separators: &['\n', '\r', ','],
    closing: Some(']'),
    expected: "an array value terminator \",\" or an array terminator \"]\"",
    ..MAP_VALUE
};

impl Parser<'_, '_, '_> {
    /// Brackets around the whole text, as in JSON. They open no map of their own, may stand several
    /// times and within each other, and the last may be missing.
    pub(super) fn block(&mut self) -> Result<(), ConfError> {
        self.enter()?;
        self.cursor.bump();
        loop {
            self.skip_spaces();
            let closed = match self.cursor.peek() {
                None => break,
                Some('}') => {
                    self.cursor.bump();
                    break;
                }
                Some('#' | '/') => {
                    self.comment_or_end()?;
                    false
                }
                Some('{') => {
                    self.block()?;
                    self.after(&BLOCK)?
                }
                Some(_) => !self.entry(Place::Top)? || self.after(&BLOCK_VALUE)?,
            };
            if closed {
                break;
            }
        }
        self.leave();
        Ok(())
    }

    /// What follows a value beside no brackets.
    pub(super) fn after_top_value(&mut self) -> Result<(), ConfError> {
        self.after(&TOP_VALUE).map(drop)
    }

    /// A map from its bracket on.
    pub(super) fn map(&mut self) -> Result<Map, ConfError> {
        self.enter()?;
        self.cursor.bump();
        self.scopes.push(Map::default());
        loop {
            self.skip_spaces();
            match self.cursor.peek() {
                None => return Err(self.cursor.syntax("Unexpected EOF processing map.")),
                Some(']') => return Err(self.cursor.syntax("Unexpected array end ']' processing map.")),
                Some('}') => {
                    self.cursor.bump();
                    break;
                }
                Some('#' | '/') => drop(self.comment()),
                Some(_) => {
                    self.entry(Place::Map)?;
                    if self.after(&MAP_VALUE)? {
                        break;
                    }
                }
            }
        }
        self.leave();
        Ok(self.scopes.pop().expect("this map's scope is pushed above"))
    }

    /// An array from its bracket on.
    pub(super) fn array(&mut self) -> Result<Vec<Value>, ConfError> {
        self.enter()?;
        self.cursor.bump();
        let mut values = Vec::new();
        loop {
            self.skip_spaces();
            match self.cursor.peek() {
                Some(']') => {
                    self.cursor.bump();
                    break;
                }
                Some('#' | '/') if self.comment() => {}
                Some(',' | '#' | '/') => {
                    return Err(self.cursor.syntax("Unexpected array value terminator ','."));
                }
                _ => {
                    values.push(self.value()?);
                    if self.after(&ARRAY_VALUE)? {
                        break;
                    }
                }
            }
        }
        self.leave();
        Ok(values)
    }

    /// Takes what follows a value, up to what ends it. True if that also ends the brackets.
    fn after(&mut self, ending: &Ending) -> Result<bool, ConfError> {
        loop {
            match self.cursor.peek() {
                Some('#' | '/') => {
                    let ends = if self.comment() { ending.at_comment } else { ending.at_slash };
                    if ends {
                        return Ok(false);
                    }
                }
                Some(c) if (ending.passed)(c) => drop(self.cursor.bump()),
                Some(c) if ending.separators.contains(&c) || ending.closing == Some(c) => {
                    self.cursor.bump();
                    return Ok(ending.closing == Some(c));
                }
                None if ending.at_end_of_text => return Ok(false),
                _ => {
                    let (expected, shown) = (ending.expected, self.cursor.shown());
                    return Err(self
                        .cursor
                        .syntax(format!("Expected {expected}, but got '{shown}' instead.")));
                }
            }
        }
    }
}
