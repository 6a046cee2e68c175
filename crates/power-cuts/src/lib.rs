//! A server under load loses power, and what it promised is held against what is there.
//!
//! A [`Life`] is one disk, one server on it and some rounds of load, SIGKILL, cut and restart, all by a seed. The
//! [`Ledger`] notes every promise and says which was broken.
#![forbid(unsafe_code)]

mod batch;
mod check;
mod consume;
mod ledger;
mod life;
mod life_report;
mod load;
mod names;
mod order;
mod publish;
mod remove;
mod requests;
mod round;
mod trouble;

pub use ledger::{Broken, Ledger};
pub use life::{Ending, Life, Refusal, Tested};
pub use life_report::LifeReport;
pub use names::StreamKind;
pub use order::Early;
pub use requests::{Answer, Gone, Requests};
pub use trouble::Trouble;
