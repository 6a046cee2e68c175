//! What a server made of a script: everything it said, at the places where it said it.
//!
//! What one server says differently each time (ids, ports, times) is already replaced here, see
//! [`crate::names`], [`crate::wire_items`], [`crate::json_items`].

use std::collections::BTreeMap;

/// Where something was said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// At the start: the lines up to the one that says it is ready, or up to the exit.
    Start,
    /// On a connection, after a step.
    Wire {
        /// Index of the step.
        step: usize,
        /// The connection.
        conn: usize,
    },
    /// To the members of a queue group, after a step: whichever of them got it. Or on one subscription, where what
    /// comes on others is in no order with that.
    Group {
        /// Index of the step.
        step: usize,
        /// The group's name, from the sids of its members.
        group: String,
    },
    /// In answer to a monitoring request.
    Answer {
        /// Index of the step.
        step: usize,
    },
    /// In answer to `-t`.
    Check {
        /// Index of the step.
        step: usize,
    },
    /// In the log, about the server.
    Log,
    /// In the log, about a connection.
    ConnLog {
        /// The connection.
        conn: usize,
    },
}

/// The kinds of places, as the known differences name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// [`Place::Start`].
    Start,
    /// [`Place::Wire`] and [`Place::Group`].
    Wire,
    /// [`Place::Answer`].
    Answer,
    /// [`Place::Check`].
    Check,
    /// [`Place::Log`] and [`Place::ConnLog`].
    Log,
}

impl Place {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Start => Kind::Start,
            Self::Wire { .. } | Self::Group { .. } => Kind::Wire,
            Self::Answer { .. } => Kind::Answer,
            Self::Check { .. } => Kind::Check,
            Self::Log | Self::ConnLog { .. } => Kind::Log,
        }
    }

    /// The step it belongs to; `None` for what belongs to the whole case.
    #[must_use]
    pub fn step(&self) -> Option<usize> {
        match self {
            Self::Wire { step, .. } | Self::Group { step, .. } => Some(*step),
            Self::Answer { step } | Self::Check { step } => Some(*step),
            Self::Start | Self::Log | Self::ConnLog { .. } => None,
        }
    }
}

/// What was said at each place, an item per op, log line or value. A place where nothing was said is
/// not there.
pub type Recording = BTreeMap<Place, Vec<String>>;
