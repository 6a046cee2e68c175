//! An archive of files, as every tar reads it.

use tar::{EntryType, Header};

/// Bytes of what an archive is made of.
pub(crate) const BLOCK_BYTES: usize = 512;

/// What an archive ends with.
pub const TAR_END: [u8; 2 * BLOCK_BYTES] = [0; 2 * BLOCK_BYTES];

/// What stands before a file of so many bytes. `time` is in seconds since 1970.
pub fn tar_head(path: &str, len: u64, time: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut head = Header::new_ustar();
    if head.set_path(path).is_err() {
        // It stands in a head of its own if it is too long.
        let said = said_path(path);
        push_head(&mut out, Header::new_ustar(), EntryType::XHeader, said.len() as u64, time);
        out.extend_from_slice(said.as_bytes());
        out.resize(out.len() + tar_padding(said.len() as u64), 0);
        head = Header::new_ustar();
    }
    push_head(&mut out, head, EntryType::Regular, len, time);
    out
}

/// How many zeros stand behind a file of so many bytes.
pub fn tar_padding(len: u64) -> usize {
    (len.wrapping_neg() % BLOCK_BYTES as u64) as usize
}

fn push_head(out: &mut Vec<u8>, mut head: Header, kind: EntryType, len: u64, time: u64) {
    head.set_entry_type(kind);
    head.set_mode(0o600);
    head.set_uid(0);
    head.set_gid(0);
    head.set_size(len);
    head.set_mtime(time);
    head.set_cksum();
    out.extend_from_slice(head.as_bytes());
}

/// A line says how long it is, itself included.
fn said_path(path: &str) -> String {
    let rest = format!(" path={path}\n");
    let mut len = rest.len();
    while len.to_string().len() + rest.len() != len {
        len = len.to_string().len() + rest.len();
    }
    format!("{len}{rest}")
}
