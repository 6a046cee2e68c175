//! Entries out of other files.

use super::{Parser, too_large};
use crate::cursor::{is_blank, is_line_end};
use crate::{ConfError, sources};

/// How many files a configuration may include in all, one included twice counting twice.
pub const INCLUDES_MAX: usize = 10_000;

impl Parser<'_, '_, '_> {
    /// What follows the word include: a path. The entries of that file become entries here.
    pub(super) fn include(&mut self) -> Result<(), ConfError> {
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
}
