//! Bodies of requests: objects of which each field is there or not.

use seeded::Random;

/// Fields with the values each may have, as JSON.
pub(super) type Fields = [(&'static str, &'static [&'static str])];

/// An object being written.
#[derive(Debug, Default)]
pub(super) struct Body(Vec<String>);

impl Body {
    /// Has a field, whose value is JSON.
    pub(super) fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.0.push(format!("\"{name}\":{value}"));
        self
    }

    /// Has some of these fields, each with `percent`.
    pub(super) fn with_some(mut self, random: &mut Random, percent: u64, fields: &Fields) -> Self {
        for (name, values) in fields {
            if random.chance(percent) {
                self = self.with(name, random.pick(values));
            }
        }
        self
    }

    pub(super) fn text(&self) -> String {
        format!("{{{}}}", self.0.join(","))
    }
}
