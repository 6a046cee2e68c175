//! Whether a process has read what was sent to it, as the kernel tells it.

use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// Of the sockets this machine has over IPv4.
const TABLE: &str = "/proc/net/tcp";

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_micros(100);

/// Bytes that wait to be read by the socket with these ports; `None` if there is no such connection.
fn unread(table: &str, local: u16, remote: u16) -> Option<u64> {
    table.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let mut port = || u16::from_str_radix(words.next()?.split_once(':')?.1, 16).ok();
        if (port()?, port()?) != (local, remote) {
            return None;
        }
        let (_state, queues) = (words.next()?, words.next()?);
        u64::from_str_radix(queues.split_once(':')?.1, 16).ok()
    })
}

/// Waits until the process behind port `local` has read all that came from port `remote`, or has closed
/// the connection; false if it did neither within `deadline`.
///
/// # Errors
///
/// When the kernel has no such table.
pub fn wait_until_read(local: u16, remote: u16, deadline: Duration) -> io::Result<bool> {
    let end = Instant::now() + deadline;
    while unread(&fs::read_to_string(TABLE)?, local, remote).is_some_and(|bytes| bytes > 0) {
        if Instant::now() > end {
            return Ok(false);
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_found_by_both_ports() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n   \
             0: 0100007F:07E8 0100007F:C001 01 00000000:0000001A 00:00000000 00000000     0        0 570 1\n   \
             1: 0100007F:C001 0100007F:07E8 01 00000000:00000000 00:00000000 00000000     0        0 570 1\n";
        assert_eq!(unread(table, 0x07E8, 0xC001), Some(26));
        assert_eq!(unread(table, 0xC001, 0x07E8), Some(0));
        assert_eq!(unread(table, 0x07E8, 0xC002), None);
    }
}
