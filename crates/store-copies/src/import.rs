//! Streams of the files of a nats-server that is stopped, brought to a server.

use std::path::Path;

use foreign_store::{TAR_END, tar_head, tar_padding};
use s2_stream::{Strength, Writer};

use crate::old_files::OldStream;
use crate::restore::folders;
use crate::sending::Sending;
use crate::{Copied, CopyError, Link, Outcome, Tell};

/// Makes each stream that a nats-server of version 2.10 or later kept for an account, consumers and all. `store` is what its
/// `store_dir` said. Nothing is changed there. `tell` hears what came of each stream once it is known.
///
/// # Errors
/// There is no such account in the store. What went wrong with a stream stands in its [`Outcome`].
pub fn import(link: &mut Link, store: &Path, account: &str, tell: Tell<'_>) -> Result<(), CopyError> {
    let streams = store.join("jetstream").join(account).join("streams");
    for stream in folders(&streams)? {
        let result = import_stream(link, &stream, &streams.join(&stream));
        tell(&Outcome { stream, result });
    }
    Ok(())
}

fn import_stream(link: &mut Link, stream: &str, folder: &Path) -> Result<Copied, CopyError> {
    let old = OldStream::open(folder)?;
    Sending::whole(link, stream, &old.config, |sending| {
        let (mut packer, mut packed) = (Writer::new(Strength::Packed), Vec::new());
        let mut send = |pieces: &[&[u8]]| {
            for piece in pieces {
                packed.clear();
                packer.write(piece, &mut packed);
                sending.write(&packed)?;
            }
            Ok(())
        };
        old.each_file(|path, bytes| {
            let padding = tar_padding(bytes.len() as u64);
            send(&[&tar_head(path, bytes.len() as u64, 0), bytes, &TAR_END[..padding]])
        })?;
        send(&[&TAR_END])
    })
}
