//! What an account and the server have room for: streams are held against it when they are made or changed.
//!
//! What counts is what streams may come to have (`max_bytes`), not what they have by now. A stream without that limit
//! reserves nothing, but finds no place where there is not one byte left.

use js_proto::{ApiError, JetStreamLimits, KnownError, Storage, StreamConfig, errors};

/// What is reserved of memory and of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reserved {
    pub(crate) memory: i64,
    pub(crate) files: i64,
}

impl Reserved {
    /// What one stream reserves.
    pub(crate) fn by(config: &StreamConfig) -> Self {
        Self::in_storage(config.storage, config.max_bytes.max(0))
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            memory: self.memory.saturating_add(other.memory),
            files: self.files.saturating_add(other.files),
        }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self { memory: self.memory - other.memory, files: self.files - other.files }
    }

    /// The larger of each.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { memory: self.memory.max(other.memory), files: self.files.max(other.files) }
    }

    /// So many bytes, where streams of that kind are kept.
    pub(crate) fn in_storage(storage: Storage, bytes: i64) -> Self {
        match storage {
            Storage::Memory => Self { memory: bytes, files: 0 },
            Storage::File => Self { memory: 0, files: bytes },
        }
    }

    pub(crate) fn of(self, storage: Storage) -> i64 {
        match storage {
            Storage::Memory => self.memory,
            Storage::File => self.files,
        }
    }
}

/// What there is to be had, and what is taken of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance<'a> {
    /// What the account may have.
    pub(crate) limits: &'a JetStreamLimits,
    /// What its other streams reserve.
    pub(crate) of_account: Reserved,
    /// How many those are.
    pub(crate) streams: usize,
    /// What the server has.
    pub(crate) server: Reserved,
    /// What all streams reserve of it, the one in question included.
    pub(crate) of_server: Reserved,
}

impl Allowance<'_> {
    /// Whether there may be one stream more.
    pub(crate) fn check_count(&self) -> Result<(), ApiError> {
        let max = usize::try_from(self.limits.max_streams).ok().filter(|max| *max > 0);
        if max.is_some_and(|max| self.streams >= max) {
            return Err(errors::MAXIMUM_STREAMS_LIMIT.error());
        }
        Ok(())
    }

    /// Whether there is room for a stream that is to be new.
    pub(crate) fn check(&self, config: &StreamConfig) -> Result<(), ApiError> {
        self.check_bytes(config, config.max_bytes, 0)
    }

    /// Whether there is room for what a stream is to have more than what it reserves by now.
    pub(crate) fn check_change(&self, old: Reserved, new: &StreamConfig) -> Result<(), ApiError> {
        let more = (new.max_bytes.max(0) - old.of(new.storage)).max(0);
        self.check_bytes(new, more, (new.max_bytes - more).max(0))
    }

    fn check_bytes(&self, config: &StreamConfig, bytes: i64, had: i64) -> Result<(), ApiError> {
        let limit = self.limits.max_consumers;
        if config.max_consumers > 0 && limit > 0 && config.max_consumers > limit {
            return Err(errors::MAXIMUM_CONSUMERS_LIMIT.error());
        }
        let (error, of_account): (&KnownError, i64) = match config.storage {
            Storage::Memory => (&errors::MEMORY_RESOURCES_EXCEEDED, self.limits.max_memory),
            Storage::File => (&errors::STORAGE_RESOURCES_EXCEEDED, self.limits.max_storage),
        };
        let bytes = if bytes < 0 { 1 } else { bytes };
        let taken = self.of_account.of(config.storage).saturating_add(had);
        let exceeds_account = of_account >= 0 && (taken > of_account || bytes > of_account - taken);
        let (server, taken) = (self.server.of(config.storage), self.of_server.of(config.storage));
        if exceeds_account || taken > server || bytes > server - taken {
            return Err(error.error());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::UNLIMITED;

    fn refusal(limits: &JetStreamLimits, of_server: i64, bytes: i64) -> Option<u16> {
        let (server, of_server) =
            (Reserved { memory: 100, files: 0 }, Reserved { memory: of_server, files: 0 });
        let of_account = Reserved { memory: 10, files: 0 };
        let allowance = Allowance { limits, of_account, streams: 2, server, of_server };
        let config = StreamConfig { storage: Storage::Memory, max_bytes: bytes, ..StreamConfig::default() };
        allowance.check(&config).err().map(|error| error.err_code)
    }

    #[test]
    fn streams_find_room_in_the_account_and_in_the_server() {
        let account = JetStreamLimits { max_memory: 50, ..UNLIMITED };
        for (limits, of_server, bytes, refused) in [
            (&UNLIMITED, 40, 60, None),
            (&UNLIMITED, 41, 60, Some(10028)),
            (&UNLIMITED, 99, -1, None),
            (&UNLIMITED, 100, -1, Some(10028)),
            (&UNLIMITED, 100, 0, None),
            (&account, 0, 40, None),
            (&account, 0, 41, Some(10028)),
        ] {
            assert_eq!(refusal(limits, of_server, bytes), refused, "{of_server} {bytes}");
        }
    }

    #[test]
    fn a_stream_that_changes_keeps_what_it_has() {
        let limits = JetStreamLimits { max_memory: 50, max_streams: 2, ..UNLIMITED };
        let (server, of_server) = (Reserved { memory: 50, files: 0 }, Reserved { memory: 50, files: 0 });
        let allowance =
            Allowance { limits: &limits, of_account: Reserved::default(), streams: 2, server, of_server };
        let of = |max_bytes| StreamConfig { storage: Storage::Memory, max_bytes, ..StreamConfig::default() };
        let had = Reserved::by(&of(50));
        assert_eq!(allowance.check_change(had, &of(40)), Ok(()));
        assert!(allowance.check_change(had, &of(51)).is_err());
        assert!(allowance.check_count().is_err());
    }
}
