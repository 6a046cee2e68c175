//! What the same tests run on: shard counts and I/O backends.

use std::fmt;

/// How a server deals with the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Io {
    /// The server's own choice.
    #[default]
    Auto,
    /// `--io uring`.
    Uring,
    /// `--io epoll`.
    Epoll,
}

/// How many shards a server runs, and on what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// Value of `--shards`; 0 leaves the flag out.
    pub shards: u32,
    /// Value of `--io`.
    pub io: Io,
}

/// What every end-to-end test runs on. Four shards are more than the cores of a small machine, on
/// purpose; the second backend does not need them, since its shards talk to each other the same way.
pub const SETUPS: [Setup; 5] = [
    Setup { shards: 1, io: Io::Uring },
    Setup { shards: 2, io: Io::Uring },
    Setup { shards: 4, io: Io::Uring },
    Setup { shards: 1, io: Io::Epoll },
    Setup { shards: 2, io: Io::Epoll },
];

impl fmt::Display for Setup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} shards on {:?}", self.shards, self.io)
    }
}

/// Makes each named `fn(setup: Setup)` of the calling file a test on every one of [`SETUPS`].
#[macro_export]
macro_rules! on_every_setup {
    ($($test:ident),* $(,)?) => {
        mod one_shard { $(#[test] fn $test() { super::$test($crate::SETUPS[0]) })* }
        mod two_shards { $(#[test] fn $test() { super::$test($crate::SETUPS[1]) })* }
        mod four_shards { $(#[test] fn $test() { super::$test($crate::SETUPS[2]) })* }
        mod one_shard_on_epoll { $(#[test] fn $test() { super::$test($crate::SETUPS[3]) })* }
        mod two_shards_on_epoll { $(#[test] fn $test() { super::$test($crate::SETUPS[4]) })* }
    };
}
