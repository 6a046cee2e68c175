//! What one phase of a load found, as a line of text or of JSON.

use serde_json::{Value, json};

use crate::latency::Latency;
use crate::meter::Usage;
use crate::units;

#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) title: String,
    /// What was counted, in the plural.
    pub(crate) what: &'static str,
    pub(crate) operations: u64,
    /// Payload moved per operation; 0 where it says nothing.
    pub(crate) payload_bytes: usize,
    pub(crate) usage: Usage,
    /// Only for round trips.
    pub(crate) latency: Option<Latency>,
    /// Only where the load is about memory: what one operation left behind in the server.
    pub(crate) bytes_each: Option<f64>,
    /// Only beside a subscriber that never reads: the rate against the same load without it.
    pub(crate) rate_kept: Option<f64>,
    /// Only of HTTP: the rate against that of answers that take no work.
    pub(crate) of_bare: Option<f64>,
    /// Only of a server that counts them: how often it synced for each operation.
    pub(crate) syncs_each: Option<f64>,
    /// What else is to be said.
    pub(crate) note: Option<String>,
}

impl Report {
    /// A load that is told by its rate and its cost; other figures are added by those who have them.
    pub(crate) fn new(title: &str, what: &'static str, operations: u64, usage: Usage) -> Self {
        Self {
            title: title.to_owned(),
            what,
            operations,
            payload_bytes: 0,
            usage,
            latency: None,
            bytes_each: None,
            rate_kept: None,
            of_bare: None,
            syncs_each: None,
            note: None,
        }
    }

    /// How much of one core the server used.
    pub(crate) fn server_cpu_share(&self) -> Option<f64> {
        Some(self.usage.server_cpu?.as_secs_f64() / self.usage.elapsed.as_secs_f64())
    }

    pub(crate) fn rate_per_second(&self) -> f64 {
        self.operations as f64 / self.usage.elapsed.as_secs_f64()
    }

    /// Seconds of the server's processor time per operation.
    pub(crate) fn server_cpu_each(&self) -> Option<f64> {
        let cpu = self.usage.server_cpu?;
        Some(cpu.as_secs_f64() / self.operations as f64)
    }

    /// How much of one core everything else on the machine used: the less, the better the figures.
    fn others_cpu_share(&self) -> f64 {
        self.usage.others_cpu.as_secs_f64() / self.usage.elapsed.as_secs_f64()
    }

    /// Seconds of our own processor time per operation.
    pub(crate) fn generator_cpu_each(&self) -> f64 {
        self.usage.generator_cpu.as_secs_f64() / self.operations as f64
    }

    /// One line, for who watches several runs.
    pub(crate) fn text(&self) -> String {
        let rate = self.rate_per_second();
        let mut parts = vec![format!("{} {}/s", units::count(rate), self.what)];
        if self.payload_bytes > 0 {
            let moved = units::bytes(rate * self.payload_bytes as f64);
            parts.push(format!("{moved}/s"));
        }
        parts.push(format!("{} of them", self.operations));
        let cpu = self.server_cpu_each().map(units::micros);
        parts.push(format!("server {} each", cpu.as_deref().unwrap_or("?")));
        parts.push(format!("generator {} each", units::micros(self.generator_cpu_each())));
        if let Some(bytes) = self.bytes_each {
            parts.push(format!("{} each", units::bytes(bytes)));
        }
        if let Some(kept) = self.rate_kept {
            parts.push(format!("{:.0} % of the rate kept", kept * 100.0));
        }
        if let Some(part) = self.of_bare {
            parts.push(format!("{:.0} % of a bare answer's rate", part * 100.0));
        }
        if let Some(syncs) = self.syncs_each {
            parts.push(format!("{syncs:.4} syncs each"));
        }
        if let Some(latency) = &self.latency {
            parts.push(latency.text());
        }
        if let Some(memory) = self.usage.memory {
            let (now, peak) = (memory.now as f64, memory.peak as f64);
            parts.push(format!("RSS {} (peak {})", units::bytes(now), units::bytes(peak)));
        }
        parts.extend(self.note.clone());
        format!("{}: {}", self.title, parts.join(", "))
    }

    /// Times are in microseconds, sizes in bytes; what is not known is null.
    pub(crate) fn json(&self) -> Value {
        json!({
            "load": self.title,
            "what": self.what,
            "operations": self.operations,
            "seconds": self.usage.elapsed.as_secs_f64(),
            "rate_per_second": self.rate_per_second(),
            "payload_bytes": self.payload_bytes,
            "server_cpu_us_each": self.server_cpu_each().map(|seconds| seconds * 1e6),
            "server_cpu_share": self.server_cpu_share(),
            "others_cpu_share": self.others_cpu_share(),
            "generator_cpu_us_each": self.generator_cpu_each() * 1e6,
            "voluntary_switches": self.usage.switches.map(|switches| switches.voluntary),
            "involuntary_switches": self.usage.switches.map(|switches| switches.involuntary),
            "rss_bytes": self.usage.memory.map(|memory| memory.now),
            "rss_peak_bytes": self.usage.memory.map(|memory| memory.peak),
            "bytes_each": self.bytes_each,
            "rate_kept": self.rate_kept,
            "of_bare": self.of_bare,
            "syncs_each": self.syncs_each,
            "note": self.note,
            "latency_us": self.latency.as_ref().map(Latency::json),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::time::Duration;

    use crate::process::{Memory, Switches};

    /// A million operations in half a second at `cpu_nanos` of the server's time each.
    pub(crate) fn sample(title: &str, cpu_nanos: u64) -> Report {
        Report {
            title: title.to_owned(),
            what: "deliveries",
            operations: 1_000_000,
            payload_bytes: 128,
            usage: Usage {
                elapsed: Duration::from_millis(500),
                server_cpu: Some(Duration::from_millis(cpu_nanos)),
                generator_cpu: Duration::from_millis(40),
                others_cpu: Duration::from_millis(100),
                switches: Some(Switches { voluntary: 3_000, involuntary: 40 }),
                memory: Some(Memory { now: 20_000_000, peak: 30_000_000 }),
                memory_grown: Some(0),
            },
            latency: None,
            bytes_each: None,
            rate_kept: None,
            of_bare: None,
            syncs_each: None,
            note: None,
        }
    }

    #[test]
    fn the_text_names_rate_cost_and_memory() {
        assert_eq!(
            sample("fan-out", 95).text(),
            "fan-out: 2.00 M deliveries/s, 256 MB/s, 1000000 of them, server 0.0950 µs each, \
             generator 0.0400 µs each, RSS 20.0 MB (peak 30.0 MB)"
        );
    }

    #[test]
    fn json_says_null_for_what_is_not_known() {
        let mut report = sample("fan-out", 95);
        let json = report.json();
        assert_eq!(json["rate_per_second"], 2e6);
        assert!((json["server_cpu_us_each"].as_f64().unwrap() - 0.095).abs() < 1e-9);
        assert!(json["latency_us"].is_null());
        assert_eq!(json["others_cpu_share"], 0.2);
        report.usage.server_cpu = None;
        report.usage.memory = None;
        let json = report.json();
        assert!(json["server_cpu_us_each"].is_null() && json["rss_bytes"].is_null());
        assert!(report.text().contains("server ? each"), "{}", report.text());
    }
}
