//! The server as a library, for programs that bring their own and for tests.
//!
//! ```
//! use futures::StreamExt as _;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = buster::Server::builder().start()?;
//! let client = async_nats::connect(server.url()).await?;
//! let mut orders = client.subscribe("orders.>").await?;
//! client.publish("orders.new", "hello".into()).await?;
//! assert_eq!(orders.next().await.expect("it comes").payload, "hello");
//! drop(client);
//! server.stop()?;
//! # Ok(())
//! # }
//! ```
//!
//! Clients in the process need no port:
//!
//! ```
//! use std::io::Read as _;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = buster::Server::builder().no_port().start()?;
//! let mut greeting = [0; 5];
//! server.connect()?.read_exact(&mut greeting)?;
//! assert_eq!(&greeting, b"INFO ");
//! # Ok(())
//! # }
//! ```
//!
//! A server is as much as its builder says and no more: it answers no signals, changes no limits of the process and
//! prints nothing. What it has to say goes to the caller's `tracing` subscriber, in nats-server's words. Any number of
//! them may run in a process, each with threads of its own.
//!
//! Always true: when [`Server::stop`] returns, or a [`Server`] has been dropped, none of its shards runs any more and
//! its port is free.
#![forbid(unsafe_code)]

mod builder;
mod error;
mod server;

pub use builder::Builder;
pub use error::{StartError, StopError};
pub use server::Server;

/// What the page on embedding shows is tried like the examples here.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/embedding.md")]
struct Page;

/// So is what the crate's own page shows.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
