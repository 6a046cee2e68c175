//! Plays the same conversations to two servers and finds where they differ.
//!
//! A [`grammar`] makes a [`Script`] of random numbers: a configuration, and the steps of a conversation.
//! [`player`] plays it to a server of its own and keeps everything that server says as a [`Recording`],
//! with ids, ports and times replaced. [`compare`] holds two recordings against each other, [`known`] takes
//! out what has its reason, [`shrink`] leaves out what does not matter, and [`case_file`] prints the rest as
//! a test. [`campaign`] does this until the time is up.
//!
//! Only `player`, `wire` and `kernel_queue` touch sockets; all else is plain data.
#![forbid(unsafe_code)]

pub mod answer_items;
mod border_items;
pub mod campaign;
pub mod case_file;
pub mod compare;
pub mod glob;
pub mod grammar;
pub mod js_items;
mod js_waits;
pub mod json_items;
pub mod kernel_queue;
pub mod known;
pub mod log_items;
pub mod names;
pub mod ops;
pub mod player;
pub mod recording;
pub mod script;
pub mod server_ops;
pub mod shrink;
pub mod system_items;
pub mod text;
pub mod web_frames;
mod web_wire;
mod wire;
pub mod wire_items;

pub use recording::Recording;
pub use script::Script;
pub use seeded::Random;
