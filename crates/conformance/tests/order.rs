//! Each publisher's messages stay in their order and whole, however much comes at once.

use std::thread;

use test_kit::{RawClient, Server, Setup, on_every_setup};

const PUBLISHERS: usize = 4;
const READERS_EACH: usize = 4;
const MESSAGES: usize = 2000;
const BODY_BYTES: usize = 1024;

/// What came while output was sent in the middle of a batch overtook the rest of the batch.
fn messages_of_publishers_that_send_all_at_once_come_in_order(setup: Setup) {
    let server = Server::with(setup);
    thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            let readers = (0..READERS_EACH).map(|_| {
                let mut reader = server.connect();
                reader.subscribe(&format!("order.{publisher}"), 1);
                reader.flush();
                reader
            });
            for reader in readers.collect::<Vec<RawClient>>() {
                scope.spawn(move || assert_in_order(reader));
            }
            let mut client = server.connect();
            scope.spawn(move || {
                let message =
                    |number| format!("PUB order.{publisher} {BODY_BYTES}\r\n{number:BODY_BYTES$}\r\n");
                client.send((0..MESSAGES).map(message).collect::<String>());
                client.flush();
            });
        }
    });
}

fn assert_in_order(mut reader: RawClient) {
    for number in 0..MESSAGES {
        let message = reader.next_message();
        assert_eq!(String::from_utf8_lossy(&message.payload).trim(), number.to_string());
    }
}

on_every_setup!(messages_of_publishers_that_send_all_at_once_come_in_order,);
