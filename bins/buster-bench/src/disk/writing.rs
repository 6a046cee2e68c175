//! A thread that writes batches over a file and syncs each, and who hands them over.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::latency::Latencies;
use crate::meter::Meter;
use crate::output;
use crate::random::SplitMix;
use crate::report::Report;

const GONE: &str = "the thread that syncs is gone";

/// The thread, as who hands batches over sees it.
pub(super) struct Writer {
    batches: SyncSender<Batch>,
    synced: Receiver<io::Result<Batch>>,
    latencies: Latencies,
}

/// A batch on its way: when it was handed over, and how long it is.
#[derive(Debug, Clone, Copy)]
struct Batch {
    handed_at: Instant,
    bytes: usize,
}

impl Writer {
    /// Hands a batch over.
    pub(super) fn give(&self, bytes: usize) -> Result<()> {
        self.batches.send(Batch { handed_at: Instant::now(), bytes }).context(GONE)
    }

    /// Waits until the next one is synced.
    pub(super) fn await_next(&mut self) -> Result<()> {
        let batch = self.synced.recv().context(GONE)?.context("writing and syncing")?;
        self.latencies.record(batch.handed_at.elapsed());
        Ok(())
    }
}

/// Measures what `run` does with a writer, and counts: it hands over so many batches at a time at most, so long ones.
pub(super) fn measure(
    file: &Scratch,
    title: &str,
    what: &'static str,
    (in_flight, bytes_max): (usize, usize),
    run: impl FnOnce(&mut Writer) -> Result<u64>,
) -> Result<Report> {
    let noise = noise(bytes_max);
    // Neither ever holds more than what is in flight, so nobody waits to hand something over.
    let (batches, work) = sync_channel(in_flight);
    let (done, synced) = sync_channel(in_flight);
    let outcome = thread::scope(|scope| -> Result<Report> {
        scope.spawn(|| sync_all(file, &noise, work, done));
        let mut writer = Writer { batches, synced, latencies: Latencies::new() };
        let meter = Meter::start_alone()?;
        let count = run(&mut writer)?;
        // The thread ends behind the last figure: of one that has ended the kernel tells ticks alone.
        let report = Report::new(title, what, count, meter.stop()?);
        Ok(Report { latency: Some(writer.latencies.summary()), ..report })
    });
    outcome.with_context(|| title.to_owned())
}

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
pub(super) struct Scratch {
    file: File,
    bytes: usize,
    path: PathBuf,
}

impl Scratch {
    pub(super) fn make(dir: &Path, bytes: usize) -> Result<Self> {
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

    const KIB: usize = 1024;

    #[test]
    fn batches_stay_within_the_file() {
        let dir = Store::fresh().unwrap();
        let file = Scratch::make(dir.path(), 40 * KIB).unwrap();
        assert_eq!(fs::metadata(&file.path).unwrap().len(), 40 * KIB as u64);
        let report = measure(&file, "test", "syncs", (8, 16 * KIB), |writer| {
            (0..8).try_for_each(|_| writer.give(16 * KIB))?;
            (0..8).try_for_each(|_| writer.await_next())?;
            Ok(8)
        });
        assert_eq!(report.unwrap().operations, 8);
        assert_eq!(fs::metadata(&file.path).unwrap().len(), 40 * KIB as u64);
    }

    #[test]
    fn a_file_that_cannot_be_written_ends_the_run() {
        let dir = Store::fresh().unwrap();
        let mut file = Scratch::make(dir.path(), 40 * KIB).unwrap();
        file.file = File::open(&file.path).unwrap();
        let error = measure(&file, "disk 4 KiB", "syncs", (1, 4 * KIB), |writer| {
            writer.give(4 * KIB)?;
            writer.await_next()?;
            Ok(1)
        });
        let error = format!("{:#}", error.unwrap_err());
        assert!(error.starts_with("disk 4 KiB: writing and syncing"), "{error}");
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let Err(error) = Scratch::make(Path::new("/nowhere-at-all"), 4 * KIB) else {
            panic!("there is no such directory");
        };
        assert!(format!("{error:#}").contains("/nowhere-at-all/"), "{error:#}");
    }
}
