//! Makes a script smaller as long as it still shows the same.
//!
//! Delta debugging: chunks are left out, halves first, then smaller ones; of the steps, then of the lines of
//! configurations and of what is sent, then of the bytes.

use crate::script::{Script, Step};

/// Calls of the judge that one script may cost. Each starts two servers.
pub const RUNS_MAX: usize = 250;

struct Shrinker<F> {
    best: Script,
    runs_left: usize,
    still_shows: F,
}

/// The smallest script found for which `still_shows` holds, within `runs_max` calls of it.
pub fn shrink(script: Script, runs_max: usize, still_shows: impl FnMut(&Script) -> bool) -> Script {
    let mut shrinker = Shrinker { best: script, runs_left: runs_max, still_shows };
    loop {
        let before = shrinker.best.clone();
        shrinker.pass();
        if shrinker.best == before || shrinker.runs_left == 0 {
            return shrinker.best;
        }
    }
}

impl<F: FnMut(&Script) -> bool> Shrinker<F> {
    fn pass(&mut self) {
        self.attempt(Script { trace: false, ..self.best.clone() });
        self.attempt(Script { shards: 1, ..self.best.clone() });
        self.list(|script| &mut script.steps);
        if let Some(text) = self.best.config.clone() {
            self.lines(text, |script, text| script.config = Some(text));
        }
        for index in 0..self.best.steps.len() {
            self.step(index);
        }
    }

    fn step(&mut self, index: usize) {
        match self.best.steps[index].clone() {
            Step::Send { conn, pieces } => {
                self.attempt_step(index, Step::Send { conn, pieces: vec![pieces.concat()] });
                self.pieces(index);
            }
            Step::Web { conn, pieces } => {
                self.attempt_step(index, Step::Web { conn, pieces: vec![pieces.concat()] });
                self.pieces(index);
            }
            Step::Reload { config } | Step::Check { config } => self.lines(config, |script, text| {
                if let Step::Reload { config } | Step::Check { config } = &mut script.steps[index] {
                    *config = text;
                }
            }),
            Step::Ask { request } => {
                // The method stays: without it a request is another matter.
                let path = request.iter().position(|byte| *byte == b'/').map_or(0, |at| at + 1);
                let (method, target) = request.split_at(path);
                self.chunks(target.to_vec(), &|script, target: Vec<u8>| {
                    if let Step::Ask { request } = &mut script.steps[index] {
                        *request = [method, &target].concat();
                    }
                });
            }
            Step::End { .. } | Step::Restart => {}
        }
    }

    fn pieces(&mut self, index: usize) {
        let (Step::Send { pieces, .. } | Step::Web { pieces, .. }) = self.best.steps[index].clone() else {
            return;
        };
        for (piece, bytes) in pieces.into_iter().enumerate() {
            self.bytes(bytes, &|script, bytes| {
                if let Step::Send { pieces, .. } | Step::Web { pieces, .. } = &mut script.steps[index] {
                    pieces[piece] = bytes;
                }
            });
        }
    }

    /// Lines first, then what is left byte by byte.
    fn bytes(&mut self, bytes: Vec<u8>, put: &impl Fn(&mut Script, Vec<u8>)) {
        let lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let lines = self.chunks(lines, &|script, lines: Vec<Vec<u8>>| put(script, lines.concat()));
        self.chunks(lines.concat(), put);
    }

    fn lines(&mut self, text: String, put: impl Fn(&mut Script, String)) {
        self.bytes(text.into_bytes(), &|script, bytes| {
            // A character cut in two is no text; then nothing changes and nothing is gained.
            if let Ok(text) = String::from_utf8(bytes) {
                put(script, text);
            }
        });
    }

    fn list<T: Clone + PartialEq>(&mut self, of: impl Fn(&mut Script) -> &mut Vec<T>) {
        let items = of(&mut self.best).clone();
        self.chunks(items, &|script, items| *of(script) = items);
    }

    /// Leaves out chunks of `items`; what is left in the end.
    fn chunks<T: Clone>(&mut self, mut items: Vec<T>, put: &impl Fn(&mut Script, Vec<T>)) -> Vec<T> {
        let mut size = items.len();
        while size > 0 {
            let mut at = 0;
            while at < items.len() {
                let end = (at + size).min(items.len());
                let fewer = [&items[..at], &items[end..]].concat();
                let mut script = self.best.clone();
                put(&mut script, fewer.clone());
                if self.attempt(script) {
                    items = fewer;
                } else {
                    at = end;
                }
            }
            size /= 2;
        }
        items
    }

    fn attempt_step(&mut self, index: usize, step: Step) -> bool {
        let mut script = self.best.clone();
        script.steps[index] = step;
        self.attempt(script)
    }

    /// Takes `script` if it still shows what the best does and is another one.
    fn attempt(&mut self, script: Script) -> bool {
        if self.runs_left == 0 || script == self.best {
            return false;
        }
        self.runs_left -= 1;
        let shows = (self.still_shows)(&script);
        if shows {
            self.best = script;
        }
        shows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn large() -> Script {
        let noise = |conn| Step::send(conn, "PING\r\nSUB a 1\r\n");
        let telling =
            Step::Send { conn: 3, pieces: vec![b"PING\r\nPU".to_vec(), b"B x 1\r\nk\r\nPONG\r\n".to_vec()] };
        let steps = vec![noise(0), noise(1), telling, noise(2), Step::End { conn: 0 }];
        let config = Some("a: 1\nbad: 2\nc: 3\n".to_owned());
        Script { shards: 2, trace: true, config, steps }
    }

    fn shows(script: &Script) -> bool {
        let sends = |step: &Step| match step {
            Step::Send { pieces, .. } => pieces.concat().windows(5).any(|five| five == b"PUB x"),
            _ => false,
        };
        script.steps.iter().any(sends) && script.config.as_deref().is_some_and(|text| text.contains("bad"))
    }

    #[test]
    fn only_what_shows_it_is_left() {
        let expected = Script {
            shards: 1,
            trace: false,
            config: Some("bad".into()),
            steps: vec![Step::send(3, "PUB x")],
        };
        assert_eq!(shrink(large(), 10_000, shows), expected);
    }

    #[test]
    fn the_budget_is_kept_and_the_best_so_far_still_shows_it() {
        for runs_max in 0..60 {
            let mut runs = 0;
            let small = shrink(large(), runs_max, |script| {
                runs += 1;
                shows(script)
            });
            assert!(runs <= runs_max && shows(&small));
        }
    }
}
