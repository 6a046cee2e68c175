//! Texts that are made of the table of options for people and shells: the man page and completions.

mod completion;
mod man;

pub use completion::{CompletionShell, completion};
pub use man::man_page;
