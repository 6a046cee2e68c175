//! Asks a server's monitoring.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A page of very many rows takes its time.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(60);

/// The body of the answer to a request.
pub(crate) fn get(monitor: SocketAddr, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(monitor).with_context(|| format!("connecting to {monitor}"))?;
    stream.set_read_timeout(Some(ANSWER_WAIT_MAX))?;
    // Of this version, so that the body comes in one piece. Sent at once: who answers may read once and close.
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {monitor}\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).with_context(|| format!("reading {path}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("no answer to {path}"))?;
    let status = head.split(' ').nth(1);
    ensure!(status == Some("200"), "{path}: {}", head.lines().next().unwrap_or_default());
    Ok(body.to_owned())
}

/// How many subscriptions the server has, some of its own among them.
pub(crate) fn subscriptions(monitor: SocketAddr) -> Result<u64> {
    let page: serde_json::Value = serde_json::from_str(&get(monitor, "/subsz")?)?;
    page["num_subscriptions"].as_u64().context("/subsz has no num_subscriptions")
}
