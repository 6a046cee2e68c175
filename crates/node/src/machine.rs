//! What the machine, or the container, lets us have.

use std::fs;
use std::path::Path;
use std::thread;

use fabric::SHARDS_MAX;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Where the limits of control groups stand.
const CONTROL_GROUPS: &str = "/sys/fs/cgroup";

/// Which control groups this process is in.
const OWN_GROUPS: &str = "/proc/self/cgroup";

/// How many shards to run on these cores if nobody says: one each, but no more than the control group's
/// share of processor time is worth. More would only wait for each other.
pub(crate) fn default_shards(cpus: usize) -> usize {
    // It knows of quotas; its error means that it could not find out about any.
    let worth = thread::available_parallelism().map_or(cpus, usize::from);
    cpus.min(worth).clamp(1, SHARDS_MAX)
}

/// Takes as many descriptors and as much locked memory as the system grants without asking anyone: each
/// client needs a descriptor, each shard locked memory.
pub(crate) fn raise_limits() {
    for resource in [Resource::Nofile, Resource::Memlock] {
        let limit = getrlimit(resource);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if limit.current != limit.maximum
            && let Err(error) = setrlimit(resource, raised)
        {
            tracing::warn!("Could not raise the limit {resource:?} above {:?}: {error}", limit.current);
        }
    }
}

/// The bytes of memory that there are for this process, by the machine and the control group.
pub(crate) fn memory() -> u64 {
    let info = rustix::system::sysinfo();
    let machine = (info.totalram as u64).saturating_mul(u64::from(info.mem_unit));
    memory_limit().map_or(machine, |limit| limit.min(machine))
}

/// The bytes of memory that this process's control group may have; `None` for as many as there are.
pub(crate) fn memory_limit() -> Option<u64> {
    memory_limit_of(&fs::read_to_string(OWN_GROUPS).ok()?, Path::new(CONTROL_GROUPS))
}

/// The smallest limit of the group that `own_groups` names and of those around it. In a container the
/// group may stand at the root although it has a longer name outside.
fn memory_limit_of(own_groups: &str, root: &Path) -> Option<u64> {
    let one_hierarchy = own_groups.lines().find_map(|line| line.strip_prefix("0::/"));
    let by_controller =
        own_groups.lines().find_map(|line| line.split_once(":memory:/").map(|(_, path)| path));
    let v1 = by_controller.map(|path| (root.join("memory"), path, "memory.limit_in_bytes"));
    let v2 = one_hierarchy.map(|path| (root.to_owned(), path, "memory.max"));
    let (root, path, file) = v1.or(v2)?;
    let own = root.join(path);
    let around = own.ancestors().take_while(|group| group.starts_with(&root));
    let limits = around.filter_map(|group| fs::read_to_string(group.join(file)).ok()?.trim().parse().ok());
    // Version 1 writes its largest number, in whole pages, for no limit.
    limits.filter(|limit| *limit < i64::MAX as u64 / 2).min()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn groups(files: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_tightest_limit_around_the_process_counts() {
        let root = groups(&[
            ("memory.max", "max\n"),
            ("a/memory.max", "1000\n"),
            ("a/b/memory.max", "2000\n"),
            ("a/c/memory.max", "max\n"),
            ("d/memory.max", "10\n"),
        ]);
        let limit = |own: &str| memory_limit_of(own, root.path());
        assert_eq!(limit("0::/a/b\n"), Some(1000));
        assert_eq!(limit("0::/a/c\n"), Some(1000));
        assert_eq!(limit("0::/d\n"), Some(10));
        assert_eq!(limit("0::/\n"), None);
        assert_eq!(limit("0::/not/mounted/here\n"), None);
        assert_eq!(limit(""), None);
    }

    #[test]
    fn version_1_has_a_folder_for_memory() {
        let no_limit = "9223372036854771712\n";
        let root = groups(&[
            ("memory/memory.limit_in_bytes", no_limit),
            ("memory/docker/x/memory.limit_in_bytes", "536870912\n"),
        ]);
        let own = "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n0::/docker/x\n";
        assert_eq!(memory_limit_of(own, root.path()), Some(512 << 20));
        assert_eq!(memory_limit_of("5:memory:/\n", root.path()), None);
    }

    #[test]
    fn there_is_a_shard_at_least_and_never_more_than_cores() {
        assert_eq!(default_shards(0), 1);
        assert_eq!(default_shards(1), 1);
        assert!((1..=SHARDS_MAX).contains(&default_shards(usize::MAX)));
    }
}
