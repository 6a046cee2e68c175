//! What a reload may do with an option.

use crate::options::Options;

/// A change that needs a new server. The text is nats-server's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("config reload not supported for {0}")]
pub struct NotReloadable(String);

impl NotReloadable {
    /// An option by nats-server's name for it, the value in force, and the one that was asked for.
    pub(crate) fn changed(option: &str, old: &str, new: &str) -> Self {
        Self(format!("{option}: old={old}, new={new}"))
    }

    /// What may not change, where nats-server does not say how it would.
    pub(crate) fn to(what: &str) -> Self {
        Self(what.to_owned())
    }
}

/// What a reload does with an option.
pub(crate) enum Rule {
    /// Nothing: nothing comes of the option, or the rule is in another row.
    None,
    /// It may change. The line says this name, and this of the new value.
    Live(&'static str, fn(&Options) -> String),
    /// It may not change. nats-server's name for it, and what is shown of it.
    Fixed(&'static str, fn(&Options) -> String),
    /// It may be that it may change.
    By(fn(&Options, &Options) -> Outcome),
    /// Several rules, for blocks.
    All(&'static [Self]),
}

/// What became of an option.
pub(crate) enum Outcome {
    Same,
    /// With the line to log.
    Changed(String),
    /// With several lines.
    AllChanged(Vec<String>),
    /// The same for the one line that nats-server begins otherwise.
    Advertised(String),
    Refused(NotReloadable),
}

impl Rule {
    pub(crate) fn apply(
        &self,
        old: &Options,
        new: &Options,
        lines: &mut Vec<String>,
    ) -> Result<(), NotReloadable> {
        if let Self::All(rules) = self {
            return rules.iter().try_for_each(|rule| rule.apply(old, new, lines));
        }
        match self.outcome(old, new) {
            Outcome::Same => {}
            Outcome::Changed(line) => lines.push(format!("Reloaded: {line}")),
            Outcome::AllChanged(all) => lines.extend(all.iter().map(|line| format!("Reloaded: {line}"))),
            Outcome::Advertised(line) => lines.push(format!("Reload: {line}")),
            Outcome::Refused(refusal) => return Err(refusal),
        }
        Ok(())
    }

    /// What became of an option, by a rule that is one.
    pub(crate) fn outcome(&self, old: &Options, new: &Options) -> Outcome {
        match self {
            Self::None => Outcome::Same,
            Self::Live(name, shown) => live(&shown(old), &shown(new), |value| format!("{name} = {value}")),
            Self::Fixed(name, shown) => fixed(name, shown(old), shown(new)),
            Self::By(compare) => compare(old, new),
            Self::All(_) => unreachable!("rules of a block are applied one by one"),
        }
    }
}

/// An option that may change.
pub(crate) fn live<T: PartialEq>(old: &T, new: &T, line: impl FnOnce(&T) -> String) -> Outcome {
    if old == new { Outcome::Same } else { Outcome::Changed(line(new)) }
}

/// An option that may not change.
pub(crate) fn fixed(option: &'static str, old: String, new: String) -> Outcome {
    if old == new { Outcome::Same } else { Outcome::Refused(NotReloadable::changed(option, &old, &new)) }
}
