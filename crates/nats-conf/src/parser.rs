//! From text to tree.
//!
//! A parser reads one text. Included files and the text of environment variables have parsers of their
//! own, which see none of the keys read so far; what all of them have in common is [`Shared`].

mod brackets;
mod entry;
mod include;
mod variable;

use crate::cursor::{Cursor, is_blank, is_line_end};
use crate::scalar::{self, Meaning};
use crate::{ConfError, Data, Entry, Map, Position, Sources, Value};

use entry::Place;
pub use include::INCLUDES_MAX;
pub use variable::COPIES_MAX;

/// How deep maps, arrays, included files and variables may lie within each other. Real files stay
/// below ten; a parser's stack holds a hundred with ease.
pub const DEPTH_MAX: usize = 100;

/// Reads a configuration that neither includes files nor uses the environment.
///
/// # Errors
/// The first mistake in the text.
pub fn parse(text: &str) -> Result<Map, ConfError> {
    parse_text("", text, &Sources::NONE)
}

/// Reads the configuration file of this name and all it includes.
///
/// # Errors
/// The first mistake in the text, or a file that cannot be read.
pub fn parse_file(name: &str, sources: &Sources<'_>) -> Result<Map, ConfError> {
    let bytes = (sources.read)(name).map_err(|reason| ConfError::Unreadable { reason })?;
    Shared::new(sources).file(name, &bytes)
}

/// Reads a configuration whose text is at hand, as if it stood in the file of this name.
///
/// # Errors
/// The first mistake in the text, or in a file it includes.
pub fn parse_text(name: &str, text: &str, sources: &Sources<'_>) -> Result<Map, ConfError> {
    Shared::new(sources).text(name, text)
}

/// What the parsers of one configuration have in common.
struct Shared<'s> {
    sources: &'s Sources<'s>,
    /// The files being read, outermost first.
    files: Vec<String>,
    /// The environment variables being read.
    variables: Vec<String>,
    depth: usize,
    includes: usize,
    copies: usize,
}

impl<'s> Shared<'s> {
    fn new(sources: &'s Sources<'s>) -> Self {
        Self { sources, files: Vec::new(), variables: Vec::new(), depth: 0, includes: 0, copies: 0 }
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<Map, ConfError> {
        self.files.push(name.into());
        let map = match std::str::from_utf8(bytes) {
            Ok(text) => self.text(name, text),
            Err(error) => {
                let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                let mut cursor = Cursor::new(name.into(), &before);
                cursor.skip(|_| true);
                Err(cursor.syntax("The file must be UTF-8"))
            }
        };
        self.files.pop();
        map
    }

    fn text(&mut self, name: &str, text: &str) -> Result<Map, ConfError> {
        let mut cursor = Cursor::new(name.into(), text);
        if text.contains('\0') {
            cursor.skip(|c| c != '\0');
            return Err(cursor.syntax("Unexpected EOF."));
        }
        Parser { cursor, shared: self, scopes: Vec::new() }.document()
    }
}

struct Parser<'t, 'p, 's> {
    cursor: Cursor<'t>,
    shared: &'p mut Shared<'s>,
    /// The maps being read, outermost first. Variables are looked up in them.
    scopes: Vec<Map>,
}

impl Parser<'_, '_, '_> {
    fn document(mut self) -> Result<Map, ConfError> {
        self.scopes.push(Map::default());
        self.top()?;
        Ok(self.scopes.pop().expect("the outermost map is pushed above"))
    }

    /// Entries beside no brackets, up to the end of the text.
    fn top(&mut self) -> Result<(), ConfError> {
        loop {
            self.skip_spaces();
            match self.cursor.peek() {
                None => return Ok(()),
                Some('{') => self.block()?,
                Some('#' | '/') => self.comment_or_end()?,
                Some(_) if self.entry(Place::Top)? => self.after_top_value()?,
                Some(_) => return Ok(()),
            }
        }
    }

    /// The value that begins here, after blanks.
    fn value(&mut self) -> Result<Value, ConfError> {
        self.cursor.skip(is_blank);
        let data = match self.cursor.peek() {
            Some('[') => Data::Array(self.array()?),
            Some('{') => Data::Map(self.map()?),
            _ => {
                let scalar = scalar::read(&mut self.cursor)?;
                return match scalar.meaning {
                    Meaning::Data(data) => {
                        Ok(Value { data, position: scalar.position, from_variable: false })
                    }
                    Meaning::Variable(name) => self.variable(name, scalar.position),
                };
            }
        };
        Ok(Value { data, position: self.cursor.position(), from_variable: false })
    }

    fn set(&mut self, entry: Entry) {
        self.scopes.last_mut().expect("the outermost map is there to the end").set(entry);
    }

    /// Takes spaces of all kinds and line ends.
    fn skip_spaces(&mut self) {
        self.cursor.skip(char::is_whitespace);
    }

    /// Takes a comment up to the end of its line. False if it is a single slash, which is taken.
    fn comment(&mut self) -> bool {
        let comment = self.cursor.eat('#') || (self.cursor.eat('/') && self.cursor.eat('/'));
        if comment {
            self.cursor.skip(|c| !is_line_end(c));
        }
        comment
    }

    /// Takes a comment; a single slash is a mistake.
    fn comment_or_end(&mut self) -> Result<(), ConfError> {
        if self.comment() { Ok(()) } else { Err(self.cursor.syntax("Unexpected EOF.")) }
    }

    fn enter(&mut self) -> Result<(), ConfError> {
        self.shared.depth += 1;
        if self.shared.depth > DEPTH_MAX {
            return Err(too_large(
                self.cursor.position(),
                "the depth of maps, arrays and includes",
                DEPTH_MAX,
            ));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.shared.depth -= 1;
    }
}

fn too_large(position: Position, what: &'static str, max: usize) -> ConfError {
    ConfError::TooLarge { position, what, max }
}
