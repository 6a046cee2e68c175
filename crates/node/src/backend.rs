//! Which backend the shards run on.

use broker::Config;
use shard_runtime::{
    Backend, BackendChoice, Given, Listeners, RuntimeError, Shards, make_room, preflight, start,
};

/// What to start the shards on.
#[derive(Debug)]
pub(crate) enum Plan {
    Uring {
        /// Where it fails after all, epoll does.
        or_epoll: bool,
    },
    Epoll {
        /// What speaks against io_uring, if that was wanted.
        because: Option<RuntimeError>,
    },
}

impl Plan {
    /// Asks the machine whether it can do what the options want.
    ///
    /// # Errors
    /// It cannot, and they want nothing else.
    pub(crate) fn make(io: BackendChoice, shards: usize) -> Result<Self, RuntimeError> {
        let uring = || preflight(shards).and_then(|()| make_room(Backend::Uring, shards));
        let because = match io {
            BackendChoice::Epoll => None,
            BackendChoice::Auto | BackendChoice::Uring => match uring() {
                Ok(()) => return Ok(Self::Uring { or_epoll: io == BackendChoice::Auto }),
                Err(error) if io == BackendChoice::Uring => return Err(error),
                Err(error) => Some(error),
            },
        };
        make_room(Backend::Epoll, shards)?;
        Ok(Self::Epoll { because })
    }

    /// Starts the shards, and logs on what and why.
    ///
    /// # Errors
    /// As [`start`].
    pub(crate) fn start(
        self,
        configs: impl Fn() -> Vec<Config>,
        listeners: &Listeners,
        cpus: &[usize],
        given: &Given,
    ) -> Result<Shards, RuntimeError> {
        let start = |backend| start(backend, configs(), listeners, cpus, given);
        let because = match self {
            Self::Epoll { because } => because,
            Self::Uring { or_epoll } => {
                match start(Backend::Uring) {
                    Ok(shards) => {
                        tracing::info!("  I/O:      io_uring");
                        return Ok(shards);
                    }
                    // Some limits only show when all shards are there.
                    Err(error) if or_epoll => Some(error),
                    Err(error) => return Err(error),
                }
            }
        };
        let shards = start(Backend::Epoll)?;
        match because {
            Some(error) => tracing::info!("  I/O:      epoll, since {error}"),
            None => tracing::info!("  I/O:      epoll"),
        }
        Ok(shards)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epoll_asks_the_machine_for_nothing_but_room() {
        assert!(matches!(Plan::make(BackendChoice::Epoll, 1), Ok(Plan::Epoll { because: None })));
        assert!(matches!(Plan::make(BackendChoice::Epoll, usize::MAX), Err(RuntimeError::NoRoom { .. })));
    }
}
