//! One event as one line of text.
//!
//! Control characters in what is logged come out escaped: an event stays one line, and a peer cannot
//! forge a line or steer a terminal with a name it chose.

use std::fmt::{self, Debug, Write as _};

use chrono::{Datelike as _, Local, NaiveDateTime, Timelike as _, Utc};
use nats_proto::push_on_one_line;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// Room for most lines, so that putting one together allocates once.
const LINE_BYTES_USUAL: usize = 256;

/// On an error, turns `ERR` into `FTL`. Never shown itself.
const FATAL_FIELD: &str = "fatal";

/// What kind of line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Fatal,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Label {
    fn of(event: &Event<'_>) -> Self {
        match *event.metadata().level() {
            Level::ERROR if is_fatal(event) => Self::Fatal,
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warn,
            Level::INFO => Self::Info,
            Level::DEBUG => Self::Debug,
            Level::TRACE => Self::Trace,
        }
    }

    /// The name, its colour on a terminal (SGR parameters) and the severity for a syslog, all as
    /// nats-server has them.
    fn row(self) -> (&'static str, &'static str, u8) {
        match self {
            Self::Fatal => ("FTL", "31", 2),
            Self::Error => ("ERR", "31", 3),
            Self::Warn => ("WRN", "0;93", 4),
            Self::Info => ("INF", "32", 5),
            Self::Debug => ("DBG", "36", 7),
            Self::Trace => ("TRC", "33", 5),
        }
    }

    pub(crate) fn severity(self) -> u8 {
        self.row().2
    }
}

/// Which clock the time on a line is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    Local,
    Utc,
}

impl Zone {
    pub(crate) fn now(self) -> NaiveDateTime {
        match self {
            Self::Local => Local::now().naive_local(),
            Self::Utc => Utc::now().naive_utc(),
        }
    }
}

/// What every line of a log looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineStyle {
    pub(crate) pid: u32,
    pub(crate) colours: bool,
    /// `None` for lines without a time.
    pub(crate) zone: Option<Zone>,
}

impl LineStyle {
    /// A line of that text, newline included.
    pub(crate) fn line(&self, label: Label, text: &str) -> String {
        let mut line = self.begin(label, self.now());
        line.push_str(text);
        line.push('\n');
        line
    }

    /// The same for an event.
    pub(crate) fn render(&self, event: &Event<'_>) -> String {
        self.render_at(event, self.now())
    }

    fn render_at(&self, event: &Event<'_>, now: Option<NaiveDateTime>) -> String {
        let mut line = self.begin(Label::of(event), now);
        push_text(&mut line, event);
        line.push('\n');
        line
    }

    fn now(&self) -> Option<NaiveDateTime> {
        self.zone.map(Zone::now)
    }

    fn begin(&self, label: Label, now: Option<NaiveDateTime>) -> String {
        let mut line = String::with_capacity(LINE_BYTES_USUAL);
        // Writing to a string cannot fail. A value's own `Debug` can, and then it is cut short.
        let _ = write!(line, "[{}] ", self.pid);
        if let Some(now) = now {
            push_stamp(&mut line, now);
        }
        let (name, colour, _) = label.row();
        let _ = if self.colours {
            write!(line, "[\x1b[{colour}m{name}\x1b[0m] ")
        } else {
            write!(line, "[{name}] ")
        };
        line
    }
}

/// What an event says, and what kind of line that is, for logs that do the rest themselves.
pub(crate) fn bare(event: &Event<'_>) -> (Label, String) {
    let mut text = String::with_capacity(LINE_BYTES_USUAL);
    push_text(&mut text, event);
    (Label::of(event), text)
}

fn push_text(line: &mut String, event: &Event<'_>) {
    event.record(&mut Text { line, parts: 0 });
}

fn push_stamp(line: &mut String, now: NaiveDateTime) {
    let (year, month, day) = (now.year(), now.month(), now.day());
    let (hour, minute, second) = (now.hour(), now.minute(), now.second());
    let micros = now.nanosecond() / 1000;
    let _ = write!(line, "{year:04}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06} ");
}

fn is_fatal(event: &Event<'_>) -> bool {
    // The field's name is known without looking at values; few errors have it.
    if event.metadata().fields().field(FATAL_FIELD).is_none() {
        return false;
    }
    let mut flag = FatalFlag(false);
    event.record(&mut flag);
    flag.0
}

struct FatalFlag(bool);

impl Visit for FatalFlag {
    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == FATAL_FIELD {
            self.0 = value;
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn Debug) {}
}

/// Writes the message bare and every other field as `name=value`, a blank between two.
struct Text<'a> {
    line: &'a mut String,
    parts: usize,
}

impl Text<'_> {
    fn record(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if field.name() == FATAL_FIELD {
            return;
        }
        if self.parts > 0 {
            self.line.push(' ');
        }
        self.parts += 1;
        if field.name() != "message" {
            self.line.push_str(field.name());
            self.line.push('=');
        }
        let _ = Escaped(self.line).write_fmt(value);
    }
}

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.record(field, format_args!("{value}"));
        } else {
            self.record(field, format_args!("{value:?}"));
        }
    }
}

struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_on_one_line(self.0, text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use chrono::NaiveDate;
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Metadata, Subscriber, debug, error, info, trace, warn};

    use super::*;

    /// Renders every event in one style, at one time.
    struct Fixed {
        style: LineStyle,
        now: Option<NaiveDateTime>,
        lines: Arc<Mutex<Vec<String>>>,
    }

    impl Subscriber for Fixed {
        fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
            true
        }

        fn event(&self, event: &Event<'_>) {
            self.lines.lock().unwrap().push(self.style.render_at(event, self.now));
        }

        fn new_span(&self, _span: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _span: &Id, _values: &Record<'_>) {}
        fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
        fn enter(&self, _span: &Id) {}
        fn exit(&self, _span: &Id) {}
    }

    fn render(colours: bool, now: Option<NaiveDateTime>, log: impl FnOnce()) -> String {
        let lines = Arc::default();
        let style = LineStyle { pid: 6801, colours, zone: None };
        let fixed = Fixed { style, now, lines: Arc::clone(&lines) };
        tracing::subscriber::with_default(fixed, log);
        let lines = lines.lock().unwrap();
        lines.concat()
    }

    fn plain(log: impl FnOnce()) -> String {
        render(false, None, log)
    }

    #[test]
    fn a_line_has_pid_time_label_and_text() {
        let now =
            NaiveDate::from_ymd_opt(2026, 11, 20).and_then(|day| day.and_hms_micro_opt(6, 4, 41, 687_690));
        let line = render(false, now, || info!("Server is ready"));
        assert_eq!(line, "[6801] 2026/11/20 06:04:41.687690 [INF] Server is ready\n");
    }

    #[test]
    fn utc_is_the_clock_without_the_zone() {
        let passed = Utc::now().naive_utc() - Zone::Utc.now();
        assert!(passed.abs() < chrono::TimeDelta::minutes(5), "{passed}");
        let style = |zone| LineStyle { pid: 1, colours: false, zone };
        assert!(style(Some(Zone::Utc)).now().is_some() && style(None).now().is_none());
    }

    #[test]
    fn every_number_of_the_time_is_padded() {
        let now = NaiveDate::from_ymd_opt(987, 1, 2).and_then(|day| day.and_hms_nano_opt(3, 4, 5, 6_999));
        assert!(now.is_some());
        assert_eq!(render(false, now, || info!("x")), "[6801] 0987/01/02 03:04:05.000006 [INF] x\n");
    }

    #[test]
    fn every_level_has_its_label() {
        let lines = plain(|| {
            error!("a");
            warn!("b");
            info!("c");
            debug!("d");
            trace!("e");
            error!(fatal = true, "f");
        });
        let wanted = "[6801] [ERR] a\n[6801] [WRN] b\n[6801] [INF] c\n[6801] [DBG] d\n[6801] [TRC] e\n[6801] [FTL] f\n";
        assert_eq!(lines, wanted);
    }

    #[test]
    fn every_label_has_its_colour_on_a_terminal() {
        let lines = render(true, None, || {
            error!("a");
            warn!("b");
            info!("c");
            debug!("d");
            trace!("e");
            error!(fatal = true, "f");
        });
        let wanted = [
            "[6801] [\x1b[31mERR\x1b[0m] a\n",
            "[6801] [\x1b[0;93mWRN\x1b[0m] b\n",
            "[6801] [\x1b[32mINF\x1b[0m] c\n",
            "[6801] [\x1b[36mDBG\x1b[0m] d\n",
            "[6801] [\x1b[33mTRC\x1b[0m] e\n",
            "[6801] [\x1b[31mFTL\x1b[0m] f\n",
        ];
        assert_eq!(lines, wanted.concat());
    }

    #[test]
    fn only_a_true_fatal_field_on_an_error_is_fatal() {
        assert_eq!(plain(|| error!(fatal = false, "x")), "[6801] [ERR] x\n");
        assert_eq!(plain(|| warn!(fatal = true, "x")), "[6801] [WRN] x\n");
        assert_eq!(plain(|| error!(fatality = true, "x")), "[6801] [ERR] x fatality=true\n");
    }

    #[test]
    fn fields_follow_the_message() {
        let line = plain(|| info!(cid = 7, peer = %"::1", name = "a b", lost = ?Some(1), "Closed {}", 3));
        assert_eq!(line, "[6801] [INF] Closed 3 cid=7 peer=::1 name=\"a b\" lost=Some(1)\n");
        assert_eq!(plain(|| info!(cid = 7, fatal = true)), "[6801] [INF] cid=7\n");
        assert_eq!(plain(|| info!(message = "as a field")), "[6801] [INF] as a field\n");
    }

    #[test]
    fn leading_blanks_and_other_scripts_stay_as_they_are() {
        assert_eq!(plain(|| info!("  Version:  2.14.5")), "[6801] [INF]   Version:  2.14.5\n");
        assert_eq!(plain(|| info!("größe “×” 大")), "[6801] [INF] größe “×” 大\n");
    }

    #[test]
    fn control_characters_cannot_break_a_line() {
        let name = "x\r\n[1] [INF] forged\x1b[2J\u{85}\0";
        let escaped = "x\\r\\n[1] [INF] forged\\x1b[2J\\u0085\\x00";
        assert_eq!(plain(|| info!("by {name}")), format!("[6801] [INF] by {escaped}\n"));
        assert_eq!(plain(|| info!(%name, "by")), format!("[6801] [INF] by name={escaped}\n"));
    }

    #[test]
    fn a_value_that_cannot_be_shown_is_cut_short() {
        struct Broken;
        impl fmt::Display for Broken {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half")?;
                Err(fmt::Error)
            }
        }
        assert_eq!(plain(|| info!(a = %Broken, b = 2, "x")), "[6801] [INF] x a=half b=2\n");
    }
}
