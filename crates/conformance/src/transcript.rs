//! What the stock server answered on the wire, as recorded data.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

/// The recording: configurations by name, and cases that name one.
#[derive(Clone, Debug, Deserialize)]
pub struct Transcripts {
    /// Text of each configuration file; `none` is empty.
    pub configs: BTreeMap<String, String>,
    /// The cases, each on a server of its own.
    pub cases: Vec<Case>,
}

/// One conversation, possibly over several connections.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Unique among the cases.
    pub name: String,
    /// Which configuration the server runs with.
    pub config: String,
    /// The order between lines is free, so both sides are sorted by line before comparing.
    pub sorted: bool,
    /// What happened, in order.
    pub steps: Vec<Step>,
}

/// One thing sent, and everything that came back.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    /// The connection that sends; opened on first use.
    pub conn: usize,
    /// The bytes sent; may be empty.
    pub send: String,
    /// What every open connection received, with INFO bodies blanked.
    pub recv: BTreeMap<usize, String>,
    /// How long the recording waited, in seconds, where that was more than a moment.
    #[serde(default)]
    wait_s: f64,
}

impl Transcripts {
    /// The recording kept in `testdata/transcripts.json`.
    ///
    /// # Panics
    ///
    /// When the file is not what this module describes.
    #[must_use]
    pub fn load() -> Self {
        let text = include_str!("../testdata/transcripts.json");
        serde_json::from_str(text).expect("testdata/transcripts.json is well formed")
    }

    /// Text of the configuration file for `case`; `None` when it needs none.
    ///
    /// # Panics
    ///
    /// When the case names a configuration that is not in the recording.
    #[must_use]
    pub fn config_of(&self, case: &Case) -> Option<String> {
        let text = self.configs.get(&case.config).expect("every case names a recorded config");
        Some(text.clone()).filter(|text| !text.is_empty())
    }
}

impl Step {
    /// How long the answer may take by design; zero for an immediate one.
    #[must_use]
    pub fn wait(&self) -> Duration {
        Duration::from_secs_f64(self.wait_s)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_configs_known() {
        let transcripts = Transcripts::load();
        let names: BTreeSet<_> = transcripts.cases.iter().map(|case| &case.name).collect();
        assert_eq!(names.len(), transcripts.cases.len());
        for case in &transcripts.cases {
            let _ = transcripts.config_of(case);
            assert!(!case.steps.is_empty(), "{} does nothing", case.name);
        }
    }
}
