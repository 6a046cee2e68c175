//! The file system, mounted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard};
use std::thread;
use std::time::Duration;

use fuser::{BackgroundSession, Config, MountOption, SessionACL};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
use tempfile::TempDir;

use crate::adapter::Adapter;
use crate::shared::Shared;
use crate::{CutReport, Disk, HeldSyncs, Rule};

/// Threads that take the kernel's calls.
const THREADS: usize = 2;

/// How to make one.
#[derive(Clone, Debug)]
pub struct DiskOptions {
    /// What a sync promises.
    pub rule: Rule,
    /// Its size in bytes.
    pub capacity: u64,
}

impl Default for DiskOptions {
    fn default() -> Self {
        Self { rule: Rule::Posix, capacity: 4 << 30 }
    }
}

/// Why there can be none here.
#[derive(Debug, thiserror::Error)]
#[error(
    "no file system in user space can be mounted here ({0}): it takes /dev/fuse, and root or fusermount3"
)]
pub struct Unmountable(#[from] io::Error);

/// A mounted file system that may lose power. Dropping it takes it away with all that is on it.
#[derive(Debug)]
pub struct BrittleDisk {
    shared: Arc<Shared>,
    session: Option<BackgroundSession>,
    folder: TempDir,
}

impl BrittleDisk {
    /// Mounts an empty one in a new folder.
    ///
    /// # Errors
    ///
    /// [`Unmountable`] where the system does not allow it.
    pub fn mount(options: DiskOptions) -> Result<Self, Unmountable> {
        let shared = Arc::new(Shared::new(Disk::new(options.rule, options.capacity)));
        let folder = TempDir::with_prefix("brittle-disk-")?;
        let session = Some(attach(&shared, folder.path())?);
        Ok(Self { shared, session, folder })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The disk itself, for its counts, faults and size. While it is held every call of others waits.
    pub fn disk(&self) -> MutexGuard<'_, Disk> {
        self.shared.disk()
    }

    /// Every sync takes this much longer from now on, and its bytes are durable only at its end.
    pub fn set_sync_delay(&self, delay: Duration) {
        self.shared.set_sync_delay(delay);
    }

    /// From now on every sync waits, until the value returned is dropped.
    #[must_use]
    pub fn hold_syncs(&self) -> HeldSyncs {
        self.shared.gate.shut()
    }

    /// Cuts the power by a seed, and gives it back: the same folder then has what survived.
    ///
    /// # Errors
    ///
    /// EBUSY while any process has a file open on it: a cut is for what was killed before.
    pub fn cut(&mut self, seed: u64) -> io::Result<CutReport> {
        self.detach()?;
        let report = self.shared.disk().cut(seed);
        self.session = Some(attach(&self.shared, self.folder.path())?);
        Ok(report)
    }

    /// The kernel forgets what it knows: its caches belong to the mount.
    fn detach(&mut self) -> io::Result<()> {
        let Some(session) = self.session.take() else { return Ok(()) };
        match unmount_when_idle(self.folder.path()) {
            Ok(()) => session.join(),
            // Who is not root unmounts by a program, which the session knows.
            Err(Errno::PERM) => session.umount_and_join(),
            Err(error) => {
                self.session = Some(session);
                Err(error.into())
            }
        }
    }
}

/// A process that is being started has copies of all descriptors of this one for a moment, those on the disk
/// among them. So it is asked again for a while.
fn unmount_when_idle(folder: &Path) -> Result<(), Errno> {
    const TRIES: u32 = 100;
    const PAUSE: Duration = Duration::from_millis(10);
    for _ in 1..TRIES {
        match unmount(folder, UnmountFlags::empty()) {
            Err(Errno::BUSY) => thread::sleep(PAUSE),
            outcome => return outcome,
        }
    }
    unmount(folder, UnmountFlags::empty())
}

impl Drop for BrittleDisk {
    fn drop(&mut self) {
        // A test that failed may have left files open; then it ends with this process.
        if let Err(error) = self.detach() {
            say(&format!("{} stays mounted: {error}\n", self.folder.path().display()));
        }
    }
}

fn attach(shared: &Arc<Shared>, folder: &Path) -> io::Result<BackgroundSession> {
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("brittle-disk".into())];
    config.acl = SessionACL::Owner;
    config.n_threads = Some(THREADS);
    let folder: PathBuf = folder.into();
    fuser::spawn_mount(Adapter::new(Arc::clone(shared)), folder, &config)
}

/// Mounts one, or says past the test's captured output that `what` was not tested, and why.
#[must_use]
pub fn mount_or_say(what: &str, options: DiskOptions) -> Option<BrittleDisk> {
    match BrittleDisk::mount(options) {
        Ok(disk) => Some(disk),
        Err(error) => {
            say(&format!("NOT TESTED: {what}: {error}\n"));
            None
        }
    }
}

fn say(text: &str) {
    use std::io::Write;
    // Nobody to tell it to is no reason to fail.
    let _ = io::stderr().write_all(text.as_bytes());
}
