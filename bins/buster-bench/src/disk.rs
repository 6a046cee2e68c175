//! What any store can reach on a disk: batches written over a file and synced, without a server.
//!
//! A thread writes each batch (`pwrite`) and syncs it (`fdatasync`), then tells. With one batch in flight the
//! next is handed over when the last one is told of; with two, the next waits already. The file was written
//! before, so that a sync has data to write and nothing to tell of a file that grew.
//!
//! Or messages are written as a log writes what publishers send that keep so many without an answer.

mod closed_loop;
mod writing;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::columns;
use crate::machine;
use crate::output;
use crate::report::Report;

use self::writing::{Scratch, Writer};

pub(crate) use self::closed_loop::{ClosedLoop, RECORD_BYTES_MAX};

const KIB: usize = 1024;

const BATCHES: [usize; 6] = [4 * KIB, 16 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, 1024 * KIB];

/// One being synced, and none or one that waits.
const IN_FLIGHT: [usize; 2] = [1, 2];

/// Many times the largest batch, and little enough to be written in a moment.
const FILE_BYTES: usize = 64 * 1024 * KIB;

#[derive(Debug)]
pub(crate) struct Disk {
    /// Where the file is made.
    pub(crate) dir: PathBuf,
    /// For each row.
    pub(crate) time: Duration,
    /// What is written instead of batches of all sizes.
    pub(crate) publishing: Option<ClosedLoop>,
    pub(crate) json: bool,
}

pub(crate) fn run(disk: &Disk) -> Result<()> {
    let file = Scratch::make(&disk.dir, FILE_BYTES)?;
    let reports = match &disk.publishing {
        Some(publishing) => vec![publishing.measure(&file, disk.time)?],
        None => measure_all(&file, disk.time)?,
    };
    if disk.json {
        return reports.iter().try_for_each(|report| output::print(format_args!("{}\n", report.json())));
    }
    let text = format!("{}\n{}, {}.\n", columns::table(&reports), disk.dir.display(), machine::describe());
    output::print(text)
}

fn measure_all(file: &Scratch, time: Duration) -> Result<Vec<Report>> {
    let rows = BATCHES.iter().flat_map(|bytes| IN_FLIGHT.map(|in_flight| (*bytes, in_flight)));
    rows.map(|(batch_bytes, in_flight)| measure(file, batch_bytes, in_flight, time)).collect()
}

fn measure(file: &Scratch, batch_bytes: usize, in_flight: usize, time: Duration) -> Result<Report> {
    let title = format!("disk {} KiB, {in_flight} in flight", batch_bytes / KIB);
    let report = writing::measure(file, &title, "syncs", (in_flight, batch_bytes), |writer| {
        keep_in_flight(writer, in_flight, batch_bytes, time)
    })?;
    Ok(Report { payload_bytes: batch_bytes, ..report })
}

/// Hands batches over until the time is up and all of them are synced: how many.
fn keep_in_flight(writer: &mut Writer, in_flight: usize, bytes: usize, time: Duration) -> Result<u64> {
    let end = Instant::now() + time;
    for _ in 0..in_flight {
        writer.give(bytes)?;
    }
    let (mut left, mut syncs) = (in_flight, 0);
    while left > 0 {
        writer.await_next()?;
        syncs += 1;
        if Instant::now() < end {
            writer.give(bytes)?;
        } else {
            left -= 1;
        }
    }
    Ok(syncs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use std::fs;

    #[test]
    fn every_batch_is_synced_once_and_the_file_goes() {
        let dir = Store::fresh().unwrap();
        let file = Scratch::make(dir.path(), 100 * KIB).unwrap();
        for in_flight in IN_FLIGHT {
            let report = measure(&file, 16 * KIB, in_flight, Duration::ZERO).unwrap();
            assert_eq!(report.operations, in_flight as u64);
            assert_eq!(report.payload_bytes, 16 * KIB);
        }
        drop(file);
        assert!(fs::read_dir(dir.path()).unwrap().next().is_none());
    }
}
