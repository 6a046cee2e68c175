//! From text to tree: documents, maps, arrays, keys, includes and variables.
//!
//! A parser reads one text. Included files and the text of environment variables have parsers of their
//! own, which see none of the keys read so far; what all of them have in common is [`Shared`].

use crate::cursor::{Cursor, is_blank, is_key_separator, is_line_end};
use crate::scalar::{self, Meaning};
use crate::{ConfError, Data, Entry, Map, Position, Sources, Value, sources};

/// How deep maps, arrays, included files and variables may lie within each other. Real files stay
/// below ten; a parser's stack holds a hundred with ease.
pub const DEPTH_MAX: usize = 100;

/// How many files a configuration may include in all, one included twice counting twice.
pub const INCLUDES_MAX: usize = 10_000;

/// How many bytes variables may add by repeating what they stand for, a value without its text counted
/// as 64, so that a short text cannot become an endless tree.
pub const COPIES_MAX: usize = 16 << 20;

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

/// What was found in a key's place.
enum Key {
    Plain { name: String, position: Position },
    Include,
}

/// Where an entry stands, which decides how its key and value may end.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Beside no brackets, or in those around the whole text.
    Top,
    /// In a map.
    Map,
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

    /// Brackets around the whole text, as in JSON. They open no map of their own, may stand several
    /// times and within each other, and the last may be missing.
    fn block(&mut self) -> Result<(), ConfError> {
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
    fn after_top_value(&mut self) -> Result<(), ConfError> {
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
    fn map(&mut self) -> Result<Map, ConfError> {
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
    fn array(&mut self) -> Result<Vec<Value>, ConfError> {
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

    /// A key and its value, or an include. False if the text ends after a bracket that became a key.
    fn entry(&mut self, place: Place) -> Result<bool, ConfError> {
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

    /// What a variable stands for: the nearest enclosing map's key of its name, or the environment's
    /// text, read as a value.
    fn variable(&mut self, name: String, position: Position) -> Result<Value, ConfError> {
        let found = self.scopes.iter_mut().rev().find_map(|scope| scope.exact_mut(&name));
        let data = match found {
            Some(entry) => {
                entry.used_as_variable = true;
                self.shared.copies += entry.value.data.weight();
                if self.shared.copies > COPIES_MAX {
                    return Err(too_large(position, "what variables repeat", COPIES_MAX));
                }
                entry.value.data.clone()
            }
            None => self.read_environment(&name, &position)?,
        };
        Ok(Value { data, position, from_variable: true })
    }

    fn read_environment(&mut self, name: &str, position: &Position) -> Result<Data, ConfError> {
        let position = position.clone();
        let name = name.to_owned();
        if self.shared.variables.contains(&name) {
            return Err(ConfError::VariableCycle { position, name });
        }
        let Some(text) = (self.shared.sources.env)(&name) else {
            return Err(ConfError::UnknownVariable { position, name });
        };
        self.enter()?;
        self.shared.variables.push(name.clone());
        let map = self.shared.text(&format!("${name}"), &format!("{ENVIRONMENT_KEY}={text}"));
        self.shared.variables.pop();
        self.leave();
        let bad = |source| ConfError::BadVariable { position: position.clone(), name: name.clone(), source };
        let mut map = map.map_err(|error| bad(Box::new(error)))?;
        let entry =
            map.exact_mut(ENVIRONMENT_KEY).expect("a text that begins with a key and = sets that key");
        Ok(entry.value.data.clone())
    }

    /// What follows the word include: a path. The entries of that file become entries here.
    fn include(&mut self) -> Result<(), ConfError> {
        self.cursor.skip(is_blank);
        let position = self.cursor.position();
        let path = self.include_path()?;
        self.shared.includes += 1;
        if self.shared.includes > INCLUDES_MAX {
            return Err(too_large(position, "the number of included files", INCLUDES_MAX));
        }
        let file = sources::join(self.cursor.file(), &path);
        if self.shared.files.contains(&file) {
            let reason = "which is being read already".into();
            return Err(ConfError::UnreadableInclude { position, path, reason });
        }
        let bytes = match (self.shared.sources.read)(&file) {
            Ok(bytes) => bytes,
            Err(reason) => return Err(ConfError::UnreadableInclude { position, path, reason }),
        };
        self.enter()?;
        let included = self.shared.file(&file, &bytes);
        self.leave();
        let bad = |source| ConfError::BadInclude { position, path, source: Box::new(source) };
        included.map_err(bad)?.into_iter().for_each(|entry| self.set(entry));
        Ok(())
    }

    fn include_path(&mut self) -> Result<String, ConfError> {
        let instead = match self.cursor.peek() {
            Some(quote @ ('"' | '\'')) => return self.quoted_path(quote),
            Some('[') => "start of an array",
            Some('{') => "start of a map",
            Some('(') => "start of a block",
            Some('0'..='9' | '-') => "start of a number",
            Some('\\') => "escape sequence",
            Some(c) if is_line_end(c) => "new line",
            _ => {
                let mark = self.cursor.mark();
                self.cursor.skip(|c| !is_line_end(c) && !is_blank(c) && !matches!(c, ';' | '}' | '\''));
                let path = self.cursor.since(mark).to_owned();
                self.cursor.eat('\'');
                return Ok(path);
            }
        };
        Err(self.cursor.syntax(format!("Expected include value but found {instead}")))
    }

    fn quoted_path(&mut self, quote: char) -> Result<String, ConfError> {
        self.cursor.bump();
        let mark = self.cursor.mark();
        self.cursor.skip(|c| c != quote);
        let path = self.cursor.since(mark).to_owned();
        if self.cursor.eat(quote) {
            return Ok(path);
        }
        let kind = if quote == '"' { "double quoted" } else { "quoted" };
        Err(self.cursor.syntax(format!("Unexpected EOF in {kind} include")))
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

/// The key under which the text of an environment variable is read as a configuration.
const ENVIRONMENT_KEY: &str = "pk";

fn too_large(position: Position, what: &'static str, max: usize) -> ConfError {
    ConfError::TooLarge { position, what, max }
}

impl Data {
    /// About how much memory it takes: bytes of text, and a fixed part for each value.
    fn weight(&self) -> usize {
        const VALUE: usize = 64;
        VALUE
            + match self {
                Self::String(text) => text.len(),
                Self::Array(values) => values.iter().map(|value| value.data.weight()).sum(),
                Self::Map(map) => map.iter().map(|entry| entry.key.len() + entry.value.data.weight()).sum(),
                Self::Integer(_) | Self::Float(_) | Self::Bool(_) | Self::Date(_) => 0,
            }
    }
}
