//! The flags of one command line, ready to be laid over a configuration file.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use nats_conf::Sources;
use sha2::{Digest, Sha256};

use crate::config::row::Effect;
use crate::config::{self, Report};
use crate::draft::Draft;
use crate::error::OptionsError;
use crate::options::{ConfigFile, Options};
use crate::places::Places;
use crate::row::Row;

/// A command line that was understood. It makes [`Options`], as often as the configuration file changes:
/// flags outrank the file.
#[derive(Clone, PartialEq)]
pub struct CommandLine {
    flags: Vec<Flag>,
    config: Option<PathBuf>,
}

/// Options, and what is odd about the file they came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The options.
    pub options: Options,
    /// Lines as nats-server writes them. `-t` takes them for mistakes.
    pub warnings: Vec<String>,
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
        Self { flags, config: None }
    }

    pub(crate) fn with_config(self, config: Option<PathBuf>) -> Self {
        Self { config, ..self }
    }

    /// The configuration file that is named, as it is named.
    pub fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Reads the configuration file, if one is named, and lays the flags over it. Files and the
    /// environment are reached through `sources`.
    ///
    /// # Errors
    /// All that is wrong with the file, or the first thing that does not go together.
    pub fn load(&self, sources: &Sources<'_>) -> Result<Loaded, OptionsError> {
        let mut draft = Draft::default();
        let warnings = match &self.config {
            Some(path) => read_config(path, sources, &mut draft)?,
            None => Vec::new(),
        };
        let mut places =
            draft.options.config.as_ref().map_or_else(Places::default, |config| config.places.clone());
        let before = places.values(&draft);
        self.lay_over(&mut draft)?;
        places.retain_unchanged(&before, &draft);
        if let Some(config) = &mut draft.options.config {
            config.places.clone_from(&places);
        }
        let options = draft.finish().map_err(|error| error.placed(&places))?;
        Ok(Loaded { options, warnings })
    }

    /// Sets what the flags say; the last of several wins.
    pub(crate) fn lay_over(&self, draft: &mut Draft) -> Result<(), OptionsError> {
        self.flags.iter().try_for_each(|flag| flag.apply(draft))
    }
}

/// Fills the draft, and gives back warnings.
fn read_config(path: &Path, sources: &Sources<'_>, draft: &mut Draft) -> Result<Vec<String>, OptionsError> {
    let name = path
        .to_str()
        .ok_or_else(|| OptionsError::Config(vec![format!("{}: the path must be UTF-8", path.display())]))?;
    let map = nats_conf::parse_file(name, sources)
        .map_err(|error| OptionsError::Config(vec![error.to_string()]))?;
    let mut report = Report::default();
    if map.is_empty() {
        report.warnings.push(format!("{name}: config has no values or is empty"));
    }
    config::read(&map, draft, &mut report);
    let digest = format!("sha256:{:x}", Sha256::digest(map.to_json()));
    let places = Places::read(&map);
    draft.options.config = Some(ConfigFile { path: path.to_owned(), digest, places });
    if report.errors.is_empty() {
        return Ok(report.warnings);
    }
    let errors = report.errors.iter().map(ToString::to_string);
    Err(OptionsError::Config(report.warnings.into_iter().chain(errors).collect()))
}

impl Value {
    pub(crate) fn asks_for_nothing(&self) -> bool {
        match self {
            Self::Switch(on) => !on,
            Self::Integer(number) => *number == 0,
            Self::Text(text) => text.is_empty(),
        }
    }
}

impl Flag {
    fn apply(&self, draft: &mut Draft) -> Result<(), OptionsError> {
        let set = match (self.row.by_flag, &self.value) {
            (Effect::Switch(set), Value::Switch(on)) => {
                set(draft, *on);
                Ok(())
            }
            (Effect::Integer(set), Value::Integer(number)) => set(draft, *number),
            (Effect::Text(set), Value::Text(text)) => {
                text.to_str().ok_or_else(|| "not valid UTF-8".to_owned()).and_then(|text| set(draft, text))
            }
            (Effect::OsText(set), Value::Text(text)) => set(draft, text),
            (Effect::NotYet(..), _) => Ok(()),
            _ => unreachable!("values are read by the form of their row"),
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

#[cfg(test)]
mod tests;
