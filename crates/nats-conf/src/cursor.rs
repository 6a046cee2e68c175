//! Reading a text character by character, with lines and columns counted as nats-server counts them.

use std::sync::Arc;

use crate::{ConfError, Position};

/// A place in a text that moves forward only.
///
/// Always true: `at` is on a character boundary, and `line_feed` is the offset of the last line feed
/// before it, or 0.
pub(crate) struct Cursor<'t> {
    text: &'t str,
    file: Arc<str>,
    at: usize,
    line: u32,
    line_feed: usize,
}

/// The start of a token.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    at: usize,
    line_feed: usize,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(file: Arc<str>, text: &'t str) -> Self {
        Self { text, file, at: 0, line: 1, line_feed: 0 }
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The next character.
    pub(crate) fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// Whether the text goes on with these characters.
    pub(crate) fn at(&self, next: &str) -> bool {
        self.text[self.at..].starts_with(next)
    }

    /// Whether the text ends after this many more bytes.
    pub(crate) fn ends_after(&self, bytes: usize) -> bool {
        self.at + bytes == self.text.len()
    }

    /// Takes the next character.
    pub(crate) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        if next == '\n' {
            self.line += 1;
            self.line_feed = self.at;
        }
        self.at += next.len_utf8();
        Some(next)
    }

    /// Takes the next character if it is this one.
    pub(crate) fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.bump();
        }
        found
    }

    /// Takes characters as long as they fit, and says how many.
    pub(crate) fn skip(&mut self, fits: impl Fn(char) -> bool) -> usize {
        let start = self.at;
        while self.peek().is_some_and(&fits) {
            self.bump();
        }
        self.at - start
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { at: self.at, line_feed: self.line_feed }
    }

    /// The text from a mark to here.
    pub(crate) fn since(&self, mark: Mark) -> &'t str {
        &self.text[mark.at..self.at]
    }

    /// The place of a token that ends here, whose text became `len` bytes long.
    pub(crate) fn token(&self, mark: Mark, len: usize) -> Position {
        let column = (self.at - mark.line_feed).saturating_sub(len);
        Position { file: Arc::clone(&self.file), line: self.line, column: column as u32 }
    }

    /// The place of what stands here.
    pub(crate) fn position(&self) -> Position {
        self.token(self.mark(), 0)
    }

    /// The error that the text may not go on as it does here.
    pub(crate) fn syntax(&self, message: impl Into<String>) -> ConfError {
        ConfError::Syntax { position: self.position(), message: message.into() }
    }

    /// How errors show the next character.
    pub(crate) fn shown(&self) -> String {
        match self.peek() {
            None => "EOF".into(),
            Some(next) if next.is_control() => next.escape_default().to_string(),
            Some(next) => next.into(),
        }
    }
}

/// Blanks within a line.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// What ends a line.
pub(crate) fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// What may stand between a key and its value.
pub(crate) fn is_key_separator(c: char) -> bool {
    matches!(c, ':' | '=')
}
