//! The stream beside a naive one.

mod model;
mod random;
mod run;
