//! Streams that the Go implementation of S2 wrote, and what it makes of ours. `testdata/make` wrote them.

use s2_stream::{Reader, Step, Strength, Writer};

const STREAMS: [(&str, &[u8]); 6] = [
    ("fast", include_bytes!("../testdata/fast.s2")),
    ("better", include_bytes!("../testdata/better.s2")),
    ("best", include_bytes!("../testdata/best.s2")),
    ("flushed, each time a stream anew", include_bytes!("../testdata/flushed.s2")),
    ("padded, with an index", include_bytes!("../testdata/padded.s2")),
    ("Snappy", include_bytes!("../testdata/snappy.sz")),
];

/// What is in each: lines of a busy route, zeros, noise. The program makes the same.
fn plain() -> Vec<u8> {
    let (mut out, mut state) = (Vec::new(), 1_u32);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    while out.len() < 80_000 {
        match next() % 8 {
            0 => out.resize(out.len() + next() as usize % 3000, 0),
            1 => {
                let count = next() % 300;
                out.extend((0..count).map(|_| next() as u8));
            }
            _ => {
                let n = next();
                let (order, inbox) = (n % 97, n % 1_000_003);
                let line = format!("RMSG A orders.{order}.new _INBOX.{inbox:06} 26\r\n");
                out.extend_from_slice(line.as_bytes());
                out.extend_from_slice(format!("{{\"id\":{n:08},\"open\":true}}\r\n").as_bytes());
            }
        }
    }
    out
}

/// What the stream comes to in such pieces and such steps.
fn read(stream: &[u8], cut: usize, most: usize) -> Vec<u8> {
    let (mut reader, mut plain) = (Reader::new(), Vec::new());
    for piece in stream.chunks(cut) {
        reader.feed(piece);
        loop {
            match reader.step(most).unwrap() {
                Step::Plain(bytes) => plain.extend_from_slice(bytes),
                Step::NotYet => {}
                Step::NeedMore => break,
            }
        }
    }
    assert!(reader.is_between_chunks());
    plain
}

#[test]
fn what_go_wrote_is_read_however_it_comes() {
    let plain = plain();
    for (name, stream) in STREAMS {
        for (cut, most) in [(stream.len(), usize::MAX), (stream.len(), 1000), (1, usize::MAX), (1000, 1)] {
            assert!(read(stream, cut, most) == plain, "{name}, cut every {cut} bytes, in steps of {most}");
        }
    }
}

#[test]
fn a_step_is_as_long_as_it_may_be() {
    let (_, stream) = STREAMS[0];
    let (mut reader, mut steps) = (Reader::new(), 0);
    reader.feed(stream);
    while !matches!(reader.step(1000).unwrap(), Step::NeedMore) {
        steps += 1;
    }
    assert!(steps > 40, "{steps} steps for eighty thousand bytes");
}

#[test]
fn sizes_beside_those_of_go() {
    let (plain, mut ours) = (plain(), Vec::new());
    Writer::new(Strength::Packed).write(&plain, &mut ours);
    let size = |name: &str| STREAMS.iter().find(|(other, _)| *other == name).unwrap().1.len();
    // As large as Go's streams of Snappy; up to a third larger than its fastest of S2, and half as large again as its
    // best.
    assert!(ours.len() <= size("Snappy") * 21 / 20, "{} bytes", ours.len());
    assert!(ours.len() <= size("fast") * 4 / 3, "{} bytes, and {}", ours.len(), size("fast"));
    assert!(ours.len() <= size("best") * 3 / 2, "{} bytes, and {}", ours.len(), size("best"));
    assert!(ours.len() < plain.len() / 4, "{} of {}", ours.len(), plain.len());
}
