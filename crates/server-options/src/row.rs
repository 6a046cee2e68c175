//! What there is to say of an option, in a row.

use crate::config::row::{Effect, Idle, Missing, Row as Key, row as key};
use crate::draft::Draft;
use crate::options::Options;
use crate::places::FallibleOption;
use crate::reload::rule::{Outcome, Rule};

/// An option: what it is called, how it is read and where it lives, and what a reload may do with it.
pub(crate) struct Row {
    /// Its flags without dashes, in the order to show them; none if only the configuration file has it.
    pub(crate) flags: &'static [&'static str],
    /// What stands for the value in the usage text; empty for switches and refused flags.
    pub(crate) operand: &'static str,
    pub(crate) help: &'static str,
    /// What is missing for its flags, which are refused for it.
    pub(crate) missing: Option<&'static str>,
    /// What a flag's value does. It is an [`Effect`] that a flag can have: see [`Effect::form`].
    pub(crate) by_flag: Effect<Draft>,
    /// The key of the file's top level; without a name if only flags have it.
    pub(crate) key: Key<Draft>,
    pub(crate) rule: Rule,
    /// What its place in the file is told for.
    pub(crate) told_for: &'static [FallibleOption],
}

/// An option that is read like this, by flag and by key.
pub(crate) const fn option(effect: Effect<Draft>) -> Row {
    Row {
        flags: &[],
        operand: "",
        help: "",
        missing: None,
        by_flag: effect,
        key: key(&[], effect),
        rule: Rule::None,
        told_for: &[],
    }
}

/// A flag of nats-server that this server refuses, as long as it asks for something: with what is missing. Its
/// value is read before, so that a bad one is told apart.
pub(crate) const fn refused_flag(flags: &'static [&'static str], unless: Idle, missing: &'static str) -> Row {
    Row { flags, help: missing, missing: Some(missing), ..option(Effect::NotYet(unless, missing)) }
}

/// A key of nats-server that this server refuses, as long as it asks for something: with what is missing.
pub(crate) const fn refused_key(keys: &'static [&'static str], unless: Idle, missing: &'static str) -> Row {
    option(Effect::NotYet(unless, missing)).key(keys)
}

impl Row {
    pub(crate) const fn flag(
        self,
        flags: &'static [&'static str],
        operand: &'static str,
        help: &'static str,
    ) -> Self {
        Self { flags, operand, help, ..self }
    }

    pub(crate) const fn key(self, names: &'static [&'static str]) -> Self {
        let effect = self.key.effect;
        self.key_by(names, effect)
    }

    /// In the file it is read in another way.
    pub(crate) const fn key_by(self, names: &'static [&'static str], effect: Effect<Draft>) -> Self {
        Self { key: key(names, effect), ..self }
    }

    /// It is read as if it were supported, and then refused while that is missing, unless it asks for nothing.
    pub(crate) const fn until(self, missing: Option<Missing>) -> Self {
        let text = match missing {
            Some((_, text)) => Some(text),
            None => None,
        };
        Self { missing: text, key: self.key.until(missing), ..self }
    }

    /// A key that nats-server does not have: whatever is wrong with its value is said with the key.
    pub(crate) const fn own_key(self, name: &'static [&'static str]) -> Self {
        let effect = self.key.effect;
        self.own_key_by(name, effect)
    }

    /// The same, and in the file it is read in another way.
    pub(crate) const fn own_key_by(self, name: &'static [&'static str], effect: Effect<Draft>) -> Self {
        Self { key: Key { is_own: true, ..key(name, effect) }, ..self }
    }

    /// A reload may change it, and says so by this name with what is shown of the value.
    pub(crate) const fn live(self, name: &'static str, shown: fn(&Options) -> String) -> Self {
        self.rule(Rule::Live(name, shown))
    }

    /// A reload may not change it. nats-server has this name for it.
    pub(crate) const fn fixed(self, name: &'static str, shown: fn(&Options) -> String) -> Self {
        self.rule(Rule::Fixed(name, shown))
    }

    /// A reload compares it like this.
    pub(crate) const fn compared(self, compare: fn(&Options, &Options) -> Outcome) -> Self {
        self.rule(Rule::By(compare))
    }

    pub(crate) const fn rule(self, rule: Rule) -> Self {
        Self { rule, ..self }
    }

    /// A start can fail on these because of it: its place in the file is told then.
    pub(crate) const fn told_for(self, told_for: &'static [FallibleOption]) -> Self {
        Self { told_for, ..self }
    }

    /// Whether it is a flag that is refused.
    pub(crate) const fn is_refused_flag(&self) -> bool {
        !self.flags.is_empty() && self.missing.is_some()
    }
}
