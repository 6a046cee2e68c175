//! Without a port nothing of the process listens; alone in its process, whose sockets are all it looks at.

use std::collections::HashSet;
use std::fs;
use std::io::Read as _;
use std::net::TcpListener;

use buster::Server;

/// The state of a socket that listens, as the kernel's tables have it.
const LISTENS: &str = "0A";

/// How many sockets of this process listen for TCP.
fn listeners() -> usize {
    let tables: String =
        ["tcp", "tcp6"].map(|name| fs::read_to_string(format!("/proc/self/net/{name}")).unwrap()).concat();
    // The fourth column is the state, the tenth the inode.
    let rows = tables.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let listening: HashSet<String> =
        rows.filter(|row| row.get(3) == Some(&LISTENS)).map(|row| format!("socket:[{}]", row[9])).collect();
    let files =
        fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    files.filter(|file| listening.contains(&*file.to_string_lossy())).count()
}

#[test]
fn nothing_listens() {
    let server = Server::builder().no_port().start().unwrap();
    server.connect().unwrap().read_exact(&mut [0; "INFO ".len()]).unwrap();
    assert_eq!(listeners(), 0);
    let _one = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(listeners(), 1, "one would be found");
}
