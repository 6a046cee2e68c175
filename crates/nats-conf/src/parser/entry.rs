//! Keys with their values.

use super::Parser;
use crate::cursor::is_key_separator;
use crate::{ConfError, Entry, Position, Value};

/// What was found in a key's place.
enum Key {
    Plain { name: String, position: Position },
    Include,
}

/// Where an entry stands, which decides how its key and value may end.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// Beside no brackets, or in those around the whole text.
    Top,
    /// In a map.
    Map,
}

impl Parser<'_, '_, '_> {
    /// A key and its value, or an include. False if the text ends after a bracket that became a key.
    pub(super) fn entry(&mut self, place: Place) -> Result<bool, ConfError> {
        let (key, position) = match self.key(place)? {
            Key::Plain { name, position } => (name, position),
            Key::Include => return self.include().map(|()| true),
        };
        self.skip_spaces();
        let separated = self.cursor.peek().is_some_and(is_key_separator);
        if separated {
            self.cursor.bump();
        }
        match place {
            Place::Top if !separated && self.cursor.peek().is_none() => {
                // JSON with one bracket too many is let pass.
                let end = ConfError::KeyWithoutValue { position: self.cursor.position() };
                return if key == "}" { Ok(false) } else { Err(end) };
            }
            Place::Top => {}
            Place::Map => self.before_map_value()?,
        }
        let value = Value { position, ..self.value()? };
        self.set(Entry { key, value, used_as_variable: false });
        Ok(true)
    }

    /// What may not stand where a map wants a value.
    fn before_map_value(&mut self) -> Result<(), ConfError> {
        self.skip_spaces();
        match self.cursor.peek() {
            Some(c @ (',' | '}')) => {
                Err(self.cursor.syntax(format!("Unexpected map value terminator \"{c}\".")))
            }
            _ => Ok(()),
        }
    }

    fn key(&mut self, place: Place) -> Result<Key, ConfError> {
        match self.cursor.peek() {
            Some(c @ ('=' | ':')) if place == Place::Top => {
                Err(self.cursor.syntax(format!("Unexpected key separator '{c}'")))
            }
            Some(c @ ('=' | ':')) => Err(self.cursor.syntax(format!("Unexpected key separator '{c}'."))),
            Some(quote @ ('"' | '\'')) => self.quoted_key(quote, place),
            _ => self.bare_key(place),
        }
    }

    fn quoted_key(&mut self, quote: char, place: Place) -> Result<Key, ConfError> {
        self.cursor.bump();
        let mark = self.cursor.mark();
        self.cursor.skip(|c| c != quote);
        let name = self.cursor.since(mark);
        let position = self.cursor.token(mark, name.len());
        if self.cursor.eat(quote) {
            return Ok(Key::Plain { name: name.into(), position });
        }
        Err(self.cursor.syntax(match (place, quote) {
            (Place::Top, _) => "Unexpected EOF.",
            (Place::Map, '"') => "Unexpected EOF processing double quoted map key.",
            (Place::Map, _) => "Unexpected EOF processing quoted map key.",
        }))
    }

    fn bare_key(&mut self, place: Place) -> Result<Key, ConfError> {
        let mark = self.cursor.mark();
        self.cursor.bump();
        self.cursor.skip(|c| !c.is_whitespace() && !is_key_separator(c));
        let name = self.cursor.since(mark);
        match self.cursor.peek() {
            None if place == Place::Map => Err(self.cursor.syntax("Unexpected EOF processing map key.")),
            Some(c) if c.is_whitespace() && name.eq_ignore_ascii_case("include") => Ok(Key::Include),
            _ => Ok(Key::Plain { name: name.into(), position: self.cursor.token(mark, name.len()) }),
        }
    }
}
