//! The flags of one command line, ready to be laid over a configuration file.

use std::ffi::OsString;
use std::fmt;

use crate::draft::Draft;
use crate::error::OptionsError;
use crate::options::Options;
use crate::table::{Effect, Row};

/// A command line that was understood. It makes [`Options`], as often as the configuration file changes:
/// flags outrank the file.
#[derive(Clone, PartialEq)]
pub struct CommandLine {
    flags: Vec<Flag>,
}

/// A flag that was given: its row, the name it was called by, and the value.
#[derive(Clone)]
pub(crate) struct Flag {
    pub(crate) row: &'static Row,
    pub(crate) name: &'static str,
    pub(crate) value: Value,
}

/// The value of a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Switch(bool),
    Integer(i64),
    Text(OsString),
}

impl CommandLine {
    pub(crate) fn new(flags: Vec<Flag>) -> Self {
        Self { flags }
    }

    /// The options of the flags alone.
    ///
    /// # Errors
    /// The first thing wrong with what they mean together.
    pub fn options(&self) -> Result<Options, OptionsError> {
        let mut draft = Draft::default();
        self.lay_over(&mut draft)?;
        draft.finish()
    }

    /// Sets what the flags say; the last of several wins.
    pub(crate) fn lay_over(&self, draft: &mut Draft) -> Result<(), OptionsError> {
        self.flags.iter().try_for_each(|flag| flag.apply(draft))
    }
}

impl Flag {
    fn apply(&self, draft: &mut Draft) -> Result<(), OptionsError> {
        let set = match (self.row.effect, &self.value) {
            (Effect::Switch(set), Value::Switch(on)) => {
                set(draft, *on);
                Ok(())
            }
            (Effect::Integer(set), Value::Integer(number)) => set(draft, *number),
            (Effect::Text(set), Value::Text(text)) => set(draft, text.clone()),
            _ => unreachable!("values are read by the kind of their row"),
        };
        set.map_err(|reason| OptionsError::BadValue { value: self.shown(), flag: self.name, reason })
    }

    /// The value as an error may show it.
    fn shown(&self) -> String {
        match &self.value {
            Value::Switch(on) => on.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text.to_string_lossy().into_owned(),
        }
    }
}

/// Values are left out: some are passwords.
impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.flags.iter().map(|flag| flag.name)).finish()
    }
}

impl PartialEq for Flag {
    fn eq(&self, other: &Self) -> bool {
        (self.name, &self.value) == (other.name, &other.value)
    }
}
