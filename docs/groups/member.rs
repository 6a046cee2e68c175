//! A member of the group `billing`: handles orders until it is stopped.

use std::collections::HashMap;
use std::error::Error;
use std::io::Write;
use std::time::Duration;

use async_nats::jetstream::{self, consumer::pull};
use futures::StreamExt;

pub(crate) async fn member(url: &str, name: &str, mut out: impl Write) -> Result<(), Box<dyn Error>> {
    let client = async_nats::connect(url).await?;
    let stream = jetstream::new(client).get_stream("ORDERS").await?;
    let metadata = [("buster.group", "billing"), ("buster.key", "2")];
    let metadata: HashMap<String, String> =
        metadata.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let member = pull::Config {
        name: Some(name.to_owned()),
        ack_wait: Duration::from_secs(5),
        inactive_threshold: Duration::from_secs(30),
        metadata,
        ..pull::Config::default()
    };
    let consumer = stream.create_consumer(member).await?;
    let mut messages = consumer.stream().max_messages_per_batch(10).messages().await?;
    while let Some(message) = messages.next().await {
        let message = message?;
        // In one piece: others may write to the same file.
        let line = format!("{name} {} {}\n", message.subject, String::from_utf8_lossy(&message.payload));
        out.write_all(line.as_bytes())?;
        message.ack().await.map_err(|error| error.to_string())?;
    }
    Ok(())
}
