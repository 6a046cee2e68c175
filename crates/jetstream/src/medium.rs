//! Where the messages of a stream are: in memory of its own, or in the shard's log.

use log_format::{Kind, Place, Record};
use stream_log::AppendError;
use streams::{Found, Said, Shelf};

use crate::disk::Disk;
use crate::ram::Ram;

/// What stands for a place where there is nothing to be read.
const NOWHERE: Place = Place { segment: u32::MAX, offset: 0 };

#[derive(Debug)]
pub(crate) enum Medium {
    Ram(Ram),
    Log,
}

/// The messages of a stream, for its own decisions.
#[derive(Debug)]
pub(crate) struct Messages<'m> {
    pub(crate) medium: &'m Medium,
    pub(crate) disk: &'m mut Option<Disk>,
}

impl Shelf for Messages<'_> {
    fn read(&mut self, place: Place) -> Found<'_> {
        self.medium.read(self.disk, place)
    }
}

impl Medium {
    pub(crate) fn is_log(&self) -> bool {
        matches!(self, Self::Log)
    }

    /// Keeps a record of the group.
    pub(crate) fn append(
        &mut self,
        disk: Option<&mut Disk>,
        group: u32,
        record: &Record<'_>,
    ) -> Result<Place, AppendError> {
        match self {
            Self::Ram(ram) if record.kind == Kind::MESSAGE => {
                Ok(ram.push(&Said { header: record.header, payload: record.payload }))
            }
            Self::Ram(_) => Ok(NOWHERE),
            Self::Log => {
                let disk = disk.ok_or(AppendError::Failed)?;
                disk.append(&Record { group, ..*record }).map(|appended| appended.place)
            }
        }
    }

    /// What a message says.
    pub(crate) fn read<'m>(&'m self, disk: &'m mut Option<Disk>, place: Place) -> Found<'m> {
        match (self, disk) {
            (Self::Ram(ram), _) => Found::Said(ram.read(place)),
            (Self::Log, Some(disk)) => disk.read(place),
            (Self::Log, None) => Found::Lost,
        }
    }

    /// Gives some memory back of what nobody asks for any more. Says whether there is more.
    pub(crate) fn discard_some(&mut self) -> bool {
        match self {
            Self::Ram(ram) => ram.discard_some(),
            Self::Log => false,
        }
    }

    /// Nobody needs a record any more.
    pub(crate) fn free(&mut self, disk: Option<&mut Disk>, group: u32, place: Place) {
        match self {
            Self::Ram(ram) => ram.free(place),
            Self::Log => disk.into_iter().for_each(|disk| disk.bury(place, group)),
        }
    }
}
