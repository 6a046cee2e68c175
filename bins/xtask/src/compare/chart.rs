//! The comparison as a picture: server CPU per operation and rate by load, in SVG.
//!
//! Every bar is drawn in proportion to the first nats-server's that has the figure, which is 1, and labelled with what it
//! stands for. The same figures give the same bytes; colours follow the reader's light or dark page.

use super::bars::Metric;
use super::table::{Setting, value_text};
use super::verdict::Line;

const WIDTH: usize = 900;
const LEFT: usize = 330;
/// Where a bar of the largest proportion ends; its label follows.
const BAR_WIDTH_MAX: f64 = 450.0;
const BAR_HEIGHT: usize = 12;
const GROUP_GAP: usize = 14;
const TOP: usize = 66;
const PANEL_GAP: usize = 60;

/// Bars beyond this are cut, and end in a point; else one load would flatten all others.
const PROPORTION_MAX: f64 = 5.0;

const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#24292f}.h{font-size:15px;font-weight:600}\
.l{fill:#57606a}.s0{fill:#0969da}.s1{fill:#9aa4af}.s2{fill:#d0d7de}.s3{fill:#eaeef2}\
.a{stroke:#57606a;stroke-dasharray:3 3}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.l{fill:#9da7b3}.s0{fill:#4493f8}.s1{fill:#6e7681}\
.s2{fill:#3d444d}.s3{fill:#2a3038}.a{stroke:#9da7b3}}";

/// The bars of one load: ours first; `None` where there is no figure.
struct Group {
    title: String,
    metric: Metric,
    values: Vec<Option<f64>>,
}

pub(crate) fn draw(setting: &Setting, lines: &[Line]) -> String {
    let cpu = groups(lines, |metric| metric == Metric::Cpu);
    let rate = groups(lines, |metric| matches!(metric, Metric::Rate | Metric::Throughput));
    let mut body = legend(setting);
    let mut top = TOP;
    for (title, groups) in [
        ("Server CPU per operation (shorter is better)", cpu),
        ("Rate, server and clients sharing the cores (longer is better)", rate),
    ] {
        body += &panel(title, &groups, top);
        top += panel_height(&groups, setting.servers.len()) + PANEL_GAP;
    }
    let height = top - PANEL_GAP + 30;
    let note = escaped(&format!("{}; medians of {} rounds in turns", setting.machine, setting.rounds));
    body += &format!("<text class=\"l\" x=\"16\" y=\"{}\">{note}</text>\n", height - 12);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         role=\"img\" aria-label=\"buster-server beside nats-server\">\n<style>{STYLE}</style>\n{body}</svg>\n"
    )
}

fn groups(lines: &[Line], wanted: impl Fn(Metric) -> bool) -> Vec<Group> {
    let shown = lines.iter().filter(|line| line.is_against_peers && wanted(line.metric));
    let group = |line: &Line| Group {
        title: line.title.replace('`', ""),
        metric: line.metric,
        values: std::iter::once(line.ours).chain(line.rivals.iter().map(|rival| rival.value)).collect(),
    };
    shown.map(group).collect()
}

fn legend(setting: &Setting) -> String {
    let mut text = String::new();
    for (index, (name, _)) in setting.servers.iter().enumerate() {
        let left = 16 + index * 180;
        text += &format!(
            "<rect class=\"s{index}\" x=\"{left}\" y=\"14\" width=\"12\" height=\"12\"/>\
             <text x=\"{}\" y=\"24\">{}</text>\n",
            left + 18,
            escaped(name)
        );
    }
    text
}

fn group_height(bars: usize) -> usize {
    bars * BAR_HEIGHT + GROUP_GAP
}

fn panel_height(groups: &[Group], servers: usize) -> usize {
    groups.len() * group_height(servers)
}

fn panel(title: &str, groups: &[Group], top: usize) -> String {
    let proportions =
        groups.iter().flat_map(|group| (0..group.values.len()).map(|bar| group.proportion(bar)));
    let largest = proportions.flatten().fold(1.0, f64::max).min(PROPORTION_MAX);
    let mut text = format!("<text class=\"h\" x=\"16\" y=\"{}\">{title}</text>\n", top - 12);
    let mut y = top;
    for group in groups {
        text += &group.draw(y, largest);
        y += group_height(group.values.len());
    }
    let one = LEFT as f64 + BAR_WIDTH_MAX / largest;
    text += &format!(
        "<line class=\"a\" x1=\"{one:.1}\" y1=\"{top}\" x2=\"{one:.1}\" y2=\"{}\"/>\n",
        y.saturating_sub(GROUP_GAP)
    );
    text
}

impl Group {
    /// Of the first nats-server's that has the figure.
    fn proportion(&self, bar: usize) -> Option<f64> {
        let base = self.values.iter().skip(1).find_map(|value| *value)?;
        Some((*self.values.get(bar)?)? / base).filter(|value| value.is_finite())
    }

    fn draw(&self, top: usize, largest: f64) -> String {
        let middle = top + self.values.len() * BAR_HEIGHT / 2 + 4;
        let mut text = format!(
            "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>\n",
            LEFT - 10,
            escaped(&self.title)
        );
        for (index, value) in self.values.iter().enumerate() {
            let Some(proportion) = self.proportion(index) else {
                continue;
            };
            let width = proportion.min(largest) / largest * BAR_WIDTH_MAX;
            let y = top + index * BAR_HEIGHT;
            let cut = if proportion > largest { " ▸" } else { "" };
            text += &format!(
                "<rect class=\"s{index}\" x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\"/>\
                 <text class=\"l\" x=\"{:.1}\" y=\"{}\">{}{cut}</text>\n",
                BAR_HEIGHT - 1,
                LEFT as f64 + width + 6.0,
                y + BAR_HEIGHT - 2,
                escaped(&value_text(self.metric, *value)),
            );
        }
        text
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::setting;
    use super::super::verdict::tests::sample;
    use super::*;

    #[test]
    fn bars_are_in_proportion_to_the_first_peer_and_labelled() {
        let picture = draw(&setting(), &sample());
        // CPU: ours is half of the first peer's, the second 2.5 times it, the longest of all.
        for words in ["width=\"90.0\"", "width=\"180.0\"", "width=\"450.0\"", ">0.0550 µs<", ">4.55 M/s<"] {
            assert!(picture.contains(words), "{words} in\n{picture}");
        }
        assert_eq!(picture, draw(&setting(), &sample()), "the same bytes again");
    }

    #[test]
    fn both_light_and_dark_pages_are_served_and_names_escaped() {
        let mut setting = setting();
        setting.machine = "A < B & C".to_owned();
        let picture = draw(&setting, &sample());
        assert!(picture.contains("prefers-color-scheme:dark"));
        assert!(picture.contains("A &lt; B &amp; C"));
    }

    #[test]
    fn a_figure_that_is_missing_leaves_a_gap() {
        let mut lines = sample();
        lines[0].ours = None;
        lines[1].rivals[0].value = None;
        let picture = draw(&setting(), &lines);
        assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
    }
}
