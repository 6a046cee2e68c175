//! Latencies, kept in an HDR histogram of three significant digits.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::units;

/// A reported value is at most a thousandth off.
const SIGNIFICANT_DIGITS: u8 = 3;

/// An hour in nanoseconds; whatever takes longer counts as that.
const NANOS_MAX: u64 = 3_600_000_000_000;

#[derive(Debug)]
pub(crate) struct Latencies(Histogram<u64>);

/// What is told of them.
#[derive(Debug, Clone)]
pub(crate) struct Latency {
    pub(crate) p50: Duration,
    pub(crate) p90: Duration,
    pub(crate) p99: Duration,
    pub(crate) p999: Duration,
    pub(crate) max: Duration,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_max(NANOS_MAX, SIGNIFICANT_DIGITS);
        Self(histogram.expect("an hour and three digits are within what the histogram offers"))
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(nanos);
    }

    pub(crate) fn summary(&self) -> Latency {
        let quantile = |fraction| Duration::from_nanos(self.0.value_at_quantile(fraction));
        Latency {
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            p999: quantile(0.999),
            max: Duration::from_nanos(self.0.max()),
        }
    }
}

impl Latency {
    /// What each figure is called, and the figure.
    pub(crate) fn named(&self) -> [(&'static str, Duration); 5] {
        [("p50", self.p50), ("p90", self.p90), ("p99", self.p99), ("p99.9", self.p999), ("max", self.max)]
    }

    pub(crate) fn text(&self) -> String {
        let named = self.named().map(|(name, time)| format!("{name} {}", units::micros(time.as_secs_f64())));
        named.join(", ")
    }

    /// In microseconds.
    pub(crate) fn json(&self) -> Value {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        json!({
            "p50": micros(self.p50),
            "p90": micros(self.p90),
            "p99": micros(self.p99),
            "p999": micros(self.p999),
            "max": micros(self.max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_thousandth_over_seven_decades() {
        let mut latencies = Latencies::new();
        for micros in 1..=100_000_u64 {
            latencies.record(Duration::from_micros(micros));
        }
        let summary = latencies.summary();
        for (found, exact) in [(summary.p50, 50_000.0), (summary.p99, 99_000.0), (summary.p999, 99_900.0)] {
            let found = found.as_secs_f64() * 1e6;
            assert!((0.999..1.001).contains(&(found / exact)), "{found} for {exact}");
        }
        assert!(summary.max >= Duration::from_millis(100));
    }

    #[test]
    fn an_endless_wait_is_recorded_too() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::MAX);
        assert!(latencies.summary().p50 >= Duration::from_secs(3600));
    }

    #[test]
    fn figures_are_given_in_microseconds() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::from_nanos(50_000));
        let summary = latencies.summary();
        let p99 = summary.json()["p99"].as_f64().unwrap();
        assert!((49.9..50.1).contains(&p99), "{p99}");
        assert!(summary.text().starts_with("p50 50.0 µs, p90"), "{}", summary.text());
    }
}
