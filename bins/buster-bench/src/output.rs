//! What the program prints.
//!
//! Whoever reads it may stop at any time, as in `buster-bench … | head -1`. Then there is nobody to complain
//! to.

use std::fmt::{self, Display};
use std::io::{self, ErrorKind, Write as _};

use anyhow::Result;

/// Nobody reads what is printed any more.
#[derive(Debug)]
pub(crate) struct Unread;

impl Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the output")
    }
}

impl std::error::Error for Unread {}

/// Prints a text as it is.
///
/// # Errors
/// [`Unread`], or the text cannot be written for another reason.
pub(crate) fn print(text: impl Display) -> Result<()> {
    let mut output = io::stdout().lock();
    match write!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Unread.into()),
        written => Ok(written?),
    }
}

/// Tells whoever watches a line that is no part of the output.
pub(crate) fn note(line: impl Display) {
    // It is no reason to stop that nobody does.
    let _ = writeln!(io::stderr(), "{line}");
}
