//! Events go to the subscriber that the caller has; alone in its process, which has only one.

use std::io::{self, Read as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use buster::Server;
use server_log::{Config, Logger};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_callers_subscriber_hears_of_all_threads() {
    let lines = Lines::default();
    let config = Config { debug: true, ..Config::default() };
    tracing::subscriber::set_global_default(Logger::new(&config, 1, false, lines.clone())).unwrap();
    let server = Server::builder().start().unwrap();
    // A server that stops first has nobody to tell of.
    let mut client = TcpStream::connect(server.address()).unwrap();
    client.read_exact(&mut [0; "INFO ".len()]).unwrap();
    drop(client);
    // Its name is that of nats-server's.
    server.connect().unwrap().read_exact(&mut [0; "INFO ".len()]).unwrap();
    server.stop().unwrap();
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("[INF] Server is ready"), "{text}");
    // A shard says so, on its own thread.
    assert!(text.contains("Client connection c"), "{text}");
    assert!(text.contains("[DBG] pipe - cid:2 - Client connection created"), "{text}");
}
