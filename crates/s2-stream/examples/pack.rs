//! Packs what comes in, for another reader of S2 to read: `pack packed` or `pack stored`.

use std::io::{self, Read, Write};

use s2_stream::{PIECE_BYTES_MAX, Strength, Writer};

fn main() -> io::Result<()> {
    let strength = match std::env::args().nth(1).as_deref() {
        Some("packed") => Strength::Packed,
        Some("stored") => Strength::Stored,
        _ => return Err(io::Error::other("`packed` or `stored`?")),
    };
    let (mut writer, mut input) = (Writer::new(strength), io::stdin().lock());
    let (mut piece, mut stream) = (vec![0; PIECE_BYTES_MAX], Vec::new());
    loop {
        match input.read(&mut piece)? {
            0 => return Ok(()),
            len => writer.write(&piece[..len], &mut stream),
        }
        io::stdout().write_all(&stream)?;
        stream.clear();
    }
}
