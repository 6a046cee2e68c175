//! Real clients and recorded transcripts against the server.
//!
//! The scenarios run through async-nats inside the tests, and through nats-py, nats.js and the C
//! client as programs of their own. [`transcript`] replays what the stock server answered, byte
//! for byte; what we cannot do yet stands in [`known_gaps`] with the reason.
#![forbid(unsafe_code)]

pub mod known_gaps;
pub mod replay;
pub mod transcript;
