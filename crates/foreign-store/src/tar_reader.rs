//! An archive of files, read as it comes.
//!
//! Heads are kept until they are whole, the contents of files are handed on. Whatever is no file is refused: nobody puts
//! anything else there.

use tar::{EntryType, Header, PaxExtensions};

use crate::Damage;
use crate::tar_writer::{BLOCK_BYTES, tar_padding};

const WHAT: &str = "an archive";

/// Bytes of what a head may say beside itself: paths and times.
const SAID_BYTES_MAX: u64 = 64 << 10;

/// What some bytes of an archive say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// Nothing yet.
    NeedMore,
    /// A file begins.
    File {
        /// Where it lies.
        path: Vec<u8>,
        /// Bytes of it.
        len: u64,
    },
    /// Some of its contents.
    Bytes(&'a [u8]),
    /// All of the file was told.
    FileEnd,
    /// The archive is at its end.
    End,
}

/// An archive that is being read.
#[derive(Debug, Default)]
pub struct TarReader {
    /// What is there of a head, or of what is said beside one.
    kept: Vec<u8>,
    stage: Stage,
    /// The path of the file that comes next, if it was said beside its head.
    path: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Head,
    /// What is said beside the head of the next file, in so many bytes. It may be for nobody.
    Said {
        len: u64,
        counts: bool,
    },
    File {
        left: u64,
        padding: usize,
    },
    Padding(usize),
    End,
}

impl TarReader {
    /// At the beginning.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the archive came to its end.
    pub fn is_at_end(&self) -> bool {
        self.stage == Stage::End
    }

    /// Reads on. Says how many bytes that took, and what they say: until that is [`Item::NeedMore`] it is to be asked
    /// again, with what is left.
    ///
    /// # Errors
    /// This is no such archive: it is not to be asked again.
    pub fn step<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Item<'a>), Damage> {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            let (taken, item) = match self.stage {
                Stage::Head => self.head(rest)?,
                Stage::Said { len, counts } => (self.said(rest, len, counts)?, None),
                Stage::File { left: 0, padding } => {
                    self.stage = Stage::Padding(padding);
                    (0, Some(Item::FileEnd))
                }
                Stage::File { left, padding } => {
                    let some = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.stage = Stage::File { left: left - some as u64, padding };
                    (some, (some > 0).then_some(Item::Bytes(&rest[..some])))
                }
                Stage::Padding(0) => {
                    self.stage = Stage::Head;
                    (0, None)
                }
                Stage::Padding(left) => {
                    let some = rest.len().min(left);
                    self.stage = Stage::Padding(left - some);
                    (some, None)
                }
                Stage::End => return Ok((input.len(), Item::End)),
            };
            used += taken;
            if let Some(item) = item {
                return Ok((used, item));
            }
            if used == input.len() && !self.goes_on_by_itself() {
                return Ok((used, Item::NeedMore));
            }
        }
    }

    /// Whether there is something to be told, or to be done, without more bytes.
    fn goes_on_by_itself(&self) -> bool {
        matches!(self.stage, Stage::File { left: 0, .. } | Stage::Padding(0) | Stage::End)
    }

    /// Keeps bytes until there are so many. Says how many it took, and whether there are.
    fn keep(&mut self, rest: &[u8], len: usize) -> (usize, bool) {
        let some = rest.len().min(len - self.kept.len());
        self.kept.extend_from_slice(&rest[..some]);
        (some, self.kept.len() == len)
    }

    fn head<'a>(&mut self, rest: &[u8]) -> Result<(usize, Option<Item<'a>>), Damage> {
        let (taken, is_whole) = self.keep(rest, BLOCK_BYTES);
        if !is_whole {
            return Ok((taken, None));
        }
        let kept = std::mem::take(&mut self.kept);
        if kept.iter().all(|byte| *byte == 0) {
            self.stage = Stage::End;
            return Ok((taken, None));
        }
        let head = Header::from_byte_slice(&kept);
        if head.cksum().ok() != Some(sum_of(&kept)) {
            return Err(Damage::Checksum(WHAT));
        }
        let len = head.entry_size().map_err(|_| Damage::Malformed(WHAT))?;
        match head.entry_type() {
            EntryType::Regular => {}
            kind @ (EntryType::XHeader | EntryType::XGlobalHeader) if len <= SAID_BYTES_MAX => {
                self.stage = Stage::Said { len, counts: kind == EntryType::XHeader };
                return Ok((taken, None));
            }
            _ => return Err(Damage::Malformed(WHAT)),
        }
        let path = self.path.take().unwrap_or_else(|| head.path_bytes().into_owned());
        self.stage = Stage::File { left: len, padding: tar_padding(len) };
        Ok((taken, Some(Item::File { path, len })))
    }

    fn said(&mut self, rest: &[u8], len: u64, counts: bool) -> Result<usize, Damage> {
        let (taken, is_whole) = self.keep(rest, len as usize);
        if !is_whole {
            return Ok(taken);
        }
        self.stage = Stage::Padding(tar_padding(len));
        let said = std::mem::take(&mut self.kept);
        for one in PaxExtensions::new(&said).filter(|_| counts) {
            let one = one.map_err(|_| Damage::Malformed(WHAT))?;
            match one.key_bytes() {
                b"path" => self.path = Some(one.value_bytes().to_vec()),
                b"size" => return Err(Damage::TooLarge(WHAT)),
                _ => {}
            }
        }
        Ok(taken)
    }
}

/// The checksum of a head, which counts as blanks in it.
fn sum_of(head: &[u8]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    sum(&head[..148]) + 8 * 32 + sum(&head[156..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TAR_END, tar_head};

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (path, bytes) in files {
            out.extend(tar_head(path, bytes.len() as u64, 1_700_000_000));
            out.extend_from_slice(bytes);
            out.resize(out.len() + tar_padding(bytes.len() as u64), 0);
        }
        out.extend_from_slice(&TAR_END);
        out
    }

    fn read(archive: &[u8], cut: usize) -> Result<Vec<(String, Vec<u8>)>, Damage> {
        let (mut reader, mut files) = (TarReader::new(), Vec::<(String, Vec<u8>)>::new());
        for mut piece in archive.chunks(cut) {
            loop {
                let (used, item) = reader.step(piece)?;
                piece = &piece[used..];
                match item {
                    Item::File { path, .. } => files.push((String::from_utf8(path).unwrap(), Vec::new())),
                    Item::Bytes(bytes) => files.last_mut().unwrap().1.extend_from_slice(bytes),
                    Item::FileEnd => {}
                    Item::NeedMore | Item::End => break,
                }
            }
        }
        assert!(reader.is_at_end());
        Ok(files)
    }

    #[test]
    fn what_is_written_is_read_however_it_is_cut() {
        let long = format!("obs/{}/meta.inf", "c".repeat(250));
        let files =
            [("meta.inf", &b"{}"[..]), ("msgs/1.blk", &[7; 1300]), (&long, &[1; 512]), ("msgs/2.blk", b"")];
        let archive = archive(&files);
        for cut in [1, 100, 512, archive.len()] {
            let found = read(&archive, cut).unwrap();
            let found: Vec<_> = found.iter().map(|(path, bytes)| (&**path, &**bytes)).collect();
            assert_eq!(found, files, "pieces of {cut}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let mut bad = archive(&[("a", b"b")]);
        bad[3] ^= 1;
        assert_eq!(read(&bad, 512), Err(Damage::Checksum(WHAT)));
        let mut link = Header::new_ustar();
        link.set_entry_type(EntryType::Symlink);
        link.set_path("a").unwrap();
        link.set_size(0);
        link.set_cksum();
        assert_eq!(read(link.as_bytes(), 512), Err(Damage::Malformed(WHAT)));
    }
}
