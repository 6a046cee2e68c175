//! Which cores the shards run on, the best first.
//!
//! A shard's memory is first touched by its own thread, so it lies on the node of its core; shards
//! that talk to each other do best on one node. So cores come node by node. The second thread of a
//! core brings much less than another core does: those come after all first threads.

use std::fs;
use std::path::Path;

/// Where the kernel tells of cores and nodes.
const SYSTEM: &str = "/sys/devices/system";

/// The cores this process may run on (affinity mask and cpuset of its control group), in the order
/// in which shards are to use them.
pub fn available_cpus() -> Vec<usize> {
    let allowed = rustix::thread::sched_getaffinity(None).ok();
    let cpus: Vec<usize> = (0..rustix::thread::CpuSet::MAX_CPU)
        .filter(|cpu| allowed.as_ref().is_some_and(|set| set.is_set(*cpu)))
        .collect();
    if cpus.is_empty() { vec![0] } else { in_order(cpus, Path::new(SYSTEM)) }
}

/// Sorts by what the machine says. What it does not say counts as one node, and as cores of one
/// thread each.
fn in_order(mut cpus: Vec<usize>, system: &Path) -> Vec<usize> {
    let nodes = nodes(system);
    let allowed = cpus.clone();
    cpus.sort_by_cached_key(|cpu| {
        let node = nodes.iter().position(|node| node.contains(cpu));
        (thread_of_core(*cpu, &allowed, system), node.unwrap_or(nodes.len()), *cpu)
    });
    cpus
}

/// The cores of each node, in the order of the nodes.
fn nodes(system: &Path) -> Vec<Vec<usize>> {
    let online = fs::read_to_string(system.join("node/online")).unwrap_or_default();
    let cpus = |node| fs::read_to_string(system.join(format!("node/node{node}/cpulist")));
    parse_list(&online).into_iter().map(|node| parse_list(&cpus(node).unwrap_or_default())).collect()
}

/// Whether this is the first allowed thread of its core (0), the second (1), and so on.
fn thread_of_core(cpu: usize, allowed: &[usize], system: &Path) -> usize {
    let path = system.join(format!("cpu/cpu{cpu}/topology/thread_siblings_list"));
    let siblings = parse_list(&fs::read_to_string(path).unwrap_or_default());
    let before = siblings.iter().take_while(|sibling| **sibling != cpu);
    before.filter(|sibling| allowed.contains(sibling)).count()
}

/// Reads a list of the kernel's, such as `0-3,8`. What is not a number counts as nothing.
fn parse_list(text: &str) -> Vec<usize> {
    let ends = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?)
    };
    text.trim().split(',').filter_map(ends).flatten().collect()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A machine of two nodes with two cores each, of two threads each, numbered as Linux likes to:
    /// all first threads, then all second ones.
    fn machine() -> TempDir {
        let system = TempDir::new().unwrap();
        let write = |path: String, text: &str| {
            let path = system.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("node/online".into(), "0-1\n");
        write("node/node0/cpulist".into(), "0-1,4-5\n");
        write("node/node1/cpulist".into(), "2-3,6-7\n");
        for cpu in 0..8 {
            let siblings = format!("{},{}\n", cpu % 4, cpu % 4 + 4);
            write(format!("cpu/cpu{cpu}/topology/thread_siblings_list"), &siblings);
        }
        system
    }

    #[test]
    fn cores_come_node_by_node_and_second_threads_last() {
        let system = machine();
        assert_eq!(in_order((0..8).rev().collect(), system.path()), [0, 1, 2, 3, 4, 5, 6, 7]);
        fs::write(system.path().join("node/node0/cpulist"), "2-3,6-7\n").unwrap();
        fs::write(system.path().join("node/node1/cpulist"), "0-1,4-5\n").unwrap();
        assert_eq!(in_order((0..8).collect(), system.path()), [2, 3, 0, 1, 6, 7, 4, 5]);
    }

    #[test]
    fn a_second_thread_without_its_first_is_as_good_as_a_core() {
        assert_eq!(in_order(vec![7, 5, 2, 1], machine().path()), [1, 2, 7, 5]);
    }

    #[test]
    fn a_machine_that_tells_nothing_is_one_node_of_plain_cores() {
        let nothing = TempDir::new().unwrap();
        assert_eq!(in_order(vec![3, 1, 2], nothing.path()), [1, 2, 3]);
    }

    #[test]
    fn lists_are_read_as_the_kernel_writes_them() {
        assert_eq!(parse_list("0-3,8,10-11\n"), [0, 1, 2, 3, 8, 10, 11]);
        assert_eq!(parse_list("5\n"), [5]);
        assert_eq!(parse_list("\n"), [0_usize; 0]);
    }
}
