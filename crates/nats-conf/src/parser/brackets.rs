//! Maps, arrays, and the brackets that may stand around a whole text.

use super::Parser;
use super::entry::Place;
use crate::cursor::{is_blank, is_line_end};
use crate::{ConfError, Map, Value};

impl Parser<'_, '_, '_> {
    /// Brackets around the whole text, as in JSON. They open no map of their own, may stand several
    /// times and within each other, and the last may be missing.
    pub(super) fn block(&mut self) -> Result<(), ConfError> {
        self.enter()?;
        self.cursor.bump();
        loop {
            self.skip_spaces();
            match self.cursor.peek() {
                None => break,
                Some('{') => {
                    self.block()?;
                    if self.after_block()? {
                        break;
                    }
                }
                Some('}') => {
                    self.cursor.bump();
                    break;
                }
                Some('#' | '/') => self.comment_or_end()?,
                Some(_) => {
                    if !self.entry(Place::Top)? || self.after_block_value()? {
                        break;
                    }
                }
            }
        }
        self.leave();
        Ok(())
    }

    /// What follows a value beside no brackets: blanks and comments to the end of the line, or one of
    /// `,` `;` `}`.
    pub(super) fn after_top_value(&mut self) -> Result<(), ConfError> {
        loop {
            match self.cursor.peek() {
                Some('#' | '/') => {
                    if self.comment() {
                        return Ok(());
                    }
                }
                Some(c) if is_blank(c) => drop(self.cursor.bump()),
                Some(c) if is_line_end(c) || matches!(c, ',' | ';' | '}') => {
                    self.cursor.bump();
                    return Ok(());
                }
                None => return Ok(()),
                Some(_) => {
                    let shown = self.cursor.shown();
                    return Err(self.cursor.syntax(format!(
                        "Expected a top-level value to end with a new line, comment or EOF, but got '{shown}' instead."
                    )));
                }
            }
        }
    }

    /// What follows a value in the brackets around the text. True if they end.
    fn after_block_value(&mut self) -> Result<bool, ConfError> {
        loop {
            match self.cursor.peek() {
                Some('#' | '/') => drop(self.comment()),
                Some(c) if is_blank(c) => drop(self.cursor.bump()),
                Some(c) if is_line_end(c) || matches!(c, ',' | ';') => {
                    self.cursor.bump();
                    return Ok(false);
                }
                Some('}') => {
                    self.cursor.bump();
                    return Ok(true);
                }
                _ => {
                    let shown = self.cursor.shown();
                    return Err(self.cursor.syntax(format!(
                        "Expected a block-level value to end with a new line, comment or EOF, but got '{shown}' instead."
                    )));
                }
            }
        }
    }

    /// What follows brackets within the brackets around the text. True if the outer ones end too.
    fn after_block(&mut self) -> Result<bool, ConfError> {
        loop {
            match self.cursor.peek() {
                Some('#' | '/') => {
                    if self.comment() {
                        return Ok(false);
                    }
                }
                Some(c) if is_line_end(c) || is_blank(c) => drop(self.cursor.bump()),
                Some(',' | ';') => {
                    self.cursor.bump();
                    return Ok(false);
                }
                Some('}') => {
                    self.cursor.bump();
                    return Ok(true);
                }
                _ => {
                    let shown = self.cursor.shown();
                    let message =
                        format!("Expected a block-level to end with a '}}', but got '{shown}' instead.");
                    return Err(self.cursor.syntax(message));
                }
            }
        }
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
                Some('}') => break,
                Some(']') => return Err(self.cursor.syntax("Unexpected array end ']' processing map.")),
                Some('#' | '/') => drop(self.comment()),
                Some(_) => {
                    self.entry(Place::Map)?;
                    if self.after_map_value()? {
                        break;
                    }
                }
            }
        }
        self.cursor.bump();
        self.leave();
        Ok(self.scopes.pop().expect("this map's scope is pushed above"))
    }

    /// What follows a value in a map. True if the map's end is next.
    fn after_map_value(&mut self) -> Result<bool, ConfError> {
        loop {
            match self.cursor.peek() {
                Some(c) if is_blank(c) => drop(self.cursor.bump()),
                Some('#' | '/') => {
                    // A single slash ends the value like a comma.
                    if !self.comment() {
                        return Ok(false);
                    }
                }
                Some(c) if is_line_end(c) || matches!(c, ',' | ';') => {
                    self.cursor.bump();
                    return Ok(false);
                }
                Some('}') => return Ok(true),
                _ => {
                    let shown = self.cursor.shown();
                    return Err(self.cursor.syntax(format!(
                        "Expected a map value terminator \",\" or a map terminator \"}}\", but got '{shown}' instead."
                    )));
                }
            }
        }
    }

    /// An array from its bracket on.
    pub(super) fn array(&mut self) -> Result<Vec<Value>, ConfError> {
        self.enter()?;
        self.cursor.bump();
        let mut values = Vec::new();
        loop {
            self.skip_spaces();
            match self.cursor.peek() {
                Some(']') => break,
                Some('#' | '/') if self.comment() => {}
                Some(',' | '#' | '/') => {
                    return Err(self.cursor.syntax("Unexpected array value terminator ','."));
                }
                _ => {
                    values.push(self.value()?);
                    if self.after_array_value()? {
                        break;
                    }
                }
            }
        }
        self.cursor.bump();
        self.leave();
        Ok(values)
    }

    /// What follows a value in an array. True if the array's end is next.
    fn after_array_value(&mut self) -> Result<bool, ConfError> {
        loop {
            match self.cursor.peek() {
                Some(c) if is_blank(c) => drop(self.cursor.bump()),
                Some('#' | '/') => {
                    // A single slash ends the value like a comma.
                    if !self.comment() {
                        return Ok(false);
                    }
                }
                Some(c) if is_line_end(c) || c == ',' => {
                    self.cursor.bump();
                    return Ok(false);
                }
                Some(']') => return Ok(true),
                _ => {
                    let shown = self.cursor.shown();
                    return Err(self.cursor.syntax(format!(
                        "Expected an array value terminator \",\" or an array terminator \"]\", \
                         but got '{shown}' instead."
                    )));
                }
            }
        }
    }
}
