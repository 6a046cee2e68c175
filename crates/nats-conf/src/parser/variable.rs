//! Values that stand elsewhere: in an enclosing map, or in the environment.

use super::{Parser, too_large};
use crate::{ConfError, Data, Position, Value};

/// How many bytes variables may add by repeating what they stand for, a value without its text counted
/// as 64, so that a short text cannot become an endless tree.
pub const COPIES_MAX: usize = 16 << 20;

impl Parser<'_, '_, '_> {
    /// What a variable stands for: the nearest enclosing map's key of its name, or the environment's
    /// text, read as a value.
    pub(super) fn variable(&mut self, name: String, position: Position) -> Result<Value, ConfError> {
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
}

/// The key under which the text of an environment variable is read as a configuration.
const ENVIRONMENT_KEY: &str = "pk";

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
