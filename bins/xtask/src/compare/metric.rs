//! The figures of a report that are compared.

use serde_json::Value;

/// A figure in a report of buster-bench.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Metric {
    /// The server's processor time per operation, in microseconds.
    Cpu,
    /// Operations per second.
    Rate,
    /// Payload bytes per second.
    Throughput,
    /// Latencies, in microseconds.
    P50,
    P99,
    P999,
    /// Resident memory that one operation left behind, in bytes.
    BytesEach,
    /// Resident memory at the end, and at its highest, in bytes.
    Rss,
    RssPeak,
    /// The rate beside a subscriber that never reads, as a part of the rate without it.
    RateKept,
    /// The rate as a part of that of answers that take no work.
    OfBare,
    /// Processor time of the server, as a part of one core's.
    CpuShare,
    /// How long it took.
    Seconds,
    /// How often our server synced for each operation.
    SyncsEach,
}

impl Metric {
    pub(crate) fn read(self, report: &Value) -> Option<f64> {
        match self {
            Self::Cpu => report["server_cpu_us_each"].as_f64(),
            Self::Rate => report["rate_per_second"].as_f64(),
            Self::Throughput => Some(report["rate_per_second"].as_f64()? * report["payload_bytes"].as_f64()?),
            Self::P50 => report["latency_us"]["p50"].as_f64(),
            Self::P99 => report["latency_us"]["p99"].as_f64(),
            Self::P999 => report["latency_us"]["p999"].as_f64(),
            Self::BytesEach => report["bytes_each"].as_f64(),
            Self::Rss => report["rss_bytes"].as_f64(),
            Self::RssPeak => report["rss_peak_bytes"].as_f64(),
            Self::RateKept => report["rate_kept"].as_f64(),
            Self::OfBare => report["of_bare"].as_f64(),
            Self::CpuShare => report["server_cpu_share"].as_f64(),
            Self::Seconds => report["seconds"].as_f64(),
            Self::SyncsEach => report["syncs_each"].as_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_are_read_where_buster_bench_puts_them() {
        let report = json!({
            "server_cpu_us_each": 0.5, "rate_per_second": 2e6, "payload_bytes": 128,
            "latency_us": {"p50": 50.0, "p999": 99.0}, "bytes_each": null,
        });
        assert_eq!(Metric::Cpu.read(&report), Some(0.5));
        assert_eq!(Metric::Throughput.read(&report), Some(256e6));
        assert_eq!(Metric::P999.read(&report), Some(99.0));
        assert_eq!(Metric::BytesEach.read(&report), None);
    }
}
