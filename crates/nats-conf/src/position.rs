//! Where in which file something stands.

use std::fmt;
use std::sync::Arc;

/// A place in a configuration file, counted as nats-server counts.
///
/// Lines begin at 1. Columns are bytes; they begin at 0 on the first line and at 1 on all others, since
/// nats-server counts from the line feed before the line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The file as it was named, includes with the folder of the file that includes them. Empty for a
    /// text without a file, `$NAME` for what an environment variable holds.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in bytes, see above.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
