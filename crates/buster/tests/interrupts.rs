//! Threads that start servers are somebody else's.

use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use buster::Server;

/// The kernel interrupts the calls of a thread whose ring is gone.
#[test]
fn whoever_starts_a_server_is_not_interrupted() {
    for _ in 0..20 {
        let server = Server::builder().no_port().start().unwrap();
        let (mut near, _far) = UnixStream::pair().unwrap();
        near.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let error = near.read(&mut [0]).expect_err("nobody says anything");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        server.stop().unwrap();
    }
}
