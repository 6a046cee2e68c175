//! Calls that are to fail.

/// A kind of call that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A read of a file gives EIO.
    Read,
    /// A write gives EIO, and nothing of it is done.
    Write,
    /// A sync gives EIO. As on Linux, bytes that it was to make durable never will be: they are still read, and
    /// the next sync succeeds without them. Names of a folder wait for its next sync.
    Sync,
}

/// Which are planned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults([Plan; 3]);

#[derive(Clone, Copy, Debug, Default)]
struct Plan {
    /// Calls that are done before.
    skip: u64,
    /// Calls that fail then.
    left: u64,
}

impl Faults {
    pub(crate) fn plan(&mut self, fault: Fault, skip: u64, count: u64) {
        self.0[fault as usize] = Plan { skip, left: count };
    }

    /// Whether this call is to fail.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        let plan = &mut self.0[fault as usize];
        if plan.left == 0 {
            return false;
        }
        if plan.skip > 0 {
            plan.skip -= 1;
            return false;
        }
        plan.left -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_fail_after_so_many() {
        let mut faults = Faults::default();
        faults.plan(Fault::Sync, 1, 2);
        let struck: Vec<bool> = (0..5).map(|_| faults.strikes(Fault::Sync)).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert!(!faults.strikes(Fault::Write));
    }
}
