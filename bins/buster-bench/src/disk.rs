//! What any store can reach on a disk: batches written over a file and synced, without a server.
//!
//! A thread writes each batch (`pwrite`) and syncs it (`fdatasync`), then tells. With one batch in flight the
//! next is handed over when the last one is told of; with two, the next waits already. The file was written
//! before, so that a sync has data to write and nothing to tell of a file that grew.
//!
//! Or messages are written as a log writes what publishers send that keep so many without an answer.

mod closed_loop;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::columns;
use crate::latency::Latencies;
use crate::machine;
use crate::meter::Meter;
use crate::output;
use crate::random::SplitMix;
use crate::report::Report;

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
    let noise = noise(batch_bytes);
    // Neither ever holds more than what is in flight, so nobody waits to hand something over.
    let (batches, work) = sync_channel(in_flight);
    let (done, synced) = sync_channel(in_flight);
    let outcome = thread::scope(|scope| -> Result<Report> {
        scope.spawn(|| sync_all(file, &noise, work, done));
        let mut latencies = Latencies::new();
        let meter = Meter::start_alone()?;
        let syncs = keep_in_flight(in_flight, batch_bytes, time, &batches, &synced, &mut latencies)?;
        let report = Report::new(&title, "syncs", syncs, meter.stop()?);
        // The thread ends behind the last figure: of one that has ended the kernel tells ticks alone.
        drop(batches);
        Ok(Report { payload_bytes: batch_bytes, latency: Some(latencies.summary()), ..report })
    });
    outcome.with_context(|| title.clone())
}

/// A batch on its way: when it was handed over, and how long it is.
#[derive(Debug, Clone, Copy)]
struct Batch {
    handed_at: Instant,
    bytes: usize,
}

impl Batch {
    fn new(bytes: usize) -> Self {
        Self { handed_at: Instant::now(), bytes }
    }
}

/// Hands batches over until the time is up and all of them are synced: how many.
fn keep_in_flight(
    in_flight: usize,
    bytes: usize,
    time: Duration,
    batches: &SyncSender<Batch>,
    synced: &Receiver<io::Result<Batch>>,
    latencies: &mut Latencies,
) -> Result<u64> {
    let end = Instant::now() + time;
    for _ in 0..in_flight {
        batches.send(Batch::new(bytes)).context(GONE)?;
    }
    let (mut left, mut syncs) = (in_flight, 0);
    while left > 0 {
        let batch = synced.recv().context(GONE)?.context("writing and syncing")?;
        latencies.record(batch.handed_at.elapsed());
        syncs += 1;
        if Instant::now() < end {
            batches.send(Batch::new(bytes)).context(GONE)?;
        } else {
            left -= 1;
        }
    }
    Ok(syncs)
}

const GONE: &str = "the thread that syncs is gone";

/// The thread: one batch behind the other, from the front again where the file would end. `noise` is as long as the
/// longest batch.
fn sync_all(file: &Scratch, noise: &[u8], work: Receiver<Batch>, done: SyncSender<io::Result<Batch>>) {
    let mut at = 0;
    for batch in work {
        if at + batch.bytes > file.bytes {
            at = 0;
        }
        let written = file.file.write_all_at(&noise[..batch.bytes], at as u64);
        let outcome = written.and_then(|()| file.file.sync_data());
        at += batch.bytes;
        if done.send(outcome.map(|()| batch)).is_err() {
            return;
        }
    }
}

/// A file of some length that was written and synced once, and is removed afterwards.
struct Scratch {
    file: File,
    bytes: usize,
    path: PathBuf,
}

impl Scratch {
    fn make(dir: &Path, bytes: usize) -> Result<Self> {
        let path = dir.join(format!("buster-bench-{}.disk", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.with_context(|| format!("making {}", path.display()))?;
        let scratch = Self { file, bytes, path };
        let written = scratch.file.write_all_at(&noise(bytes), 0).and_then(|()| scratch.file.sync_all());
        written.with_context(|| format!("writing {}", scratch.path.display()))?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            output::note(format_args!("buster-bench: {} stays behind: {error}", self.path.display()));
        }
    }
}

/// Bytes that no disk and no file system can make fewer.
fn noise(bytes: usize) -> Vec<u8> {
    let mut random = SplitMix::new(0xd15c);
    let words = (0..bytes.div_ceil(8)).flat_map(|_| random.next().to_le_bytes());
    words.take(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn every_batch_is_synced_once_and_the_file_goes() {
        let dir = Store::fresh().unwrap();
        let file = Scratch::make(dir.path(), 100 * KIB).unwrap();
        assert_eq!(fs::metadata(&file.path).unwrap().len(), 100 * KIB as u64);
        for in_flight in IN_FLIGHT {
            let report = measure(&file, 16 * KIB, in_flight, Duration::ZERO).unwrap();
            assert_eq!(report.operations, in_flight as u64);
            assert_eq!(report.payload_bytes, 16 * KIB);
        }
        drop(file);
        assert!(fs::read_dir(dir.path()).unwrap().next().is_none());
    }

    #[test]
    fn batches_stay_within_the_file() {
        let dir = Store::fresh().unwrap();
        let file = Scratch::make(dir.path(), 40 * KIB).unwrap();
        let (batches, work) = sync_channel(8);
        let (done, synced) = sync_channel(8);
        (0..8).for_each(|_| batches.send(Batch::new(16 * KIB)).unwrap());
        drop(batches);
        sync_all(&file, &noise(16 * KIB), work, done);
        assert_eq!(synced.iter().map(Result::unwrap).count(), 8);
        assert_eq!(fs::metadata(&file.path).unwrap().len(), 40 * KIB as u64);
    }

    #[test]
    fn a_file_that_cannot_be_written_ends_the_run() {
        let dir = Store::fresh().unwrap();
        let mut file = Scratch::make(dir.path(), 40 * KIB).unwrap();
        file.file = File::open(&file.path).unwrap();
        let error = measure(&file, 4 * KIB, 1, Duration::from_secs(60)).unwrap_err();
        assert!(
            format!("{error:#}").starts_with("disk 4 KiB, 1 in flight: writing and syncing"),
            "{error:#}"
        );
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let Err(error) = Scratch::make(Path::new("/nowhere-at-all"), 4 * KIB) else {
            panic!("there is no such directory");
        };
        assert!(format!("{error:#}").contains("/nowhere-at-all/"), "{error:#}");
    }
}
