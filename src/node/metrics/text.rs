//! The text that Prometheus reads: families of figures, one after the other.

use std::fmt::{Display, Write};

use crate::histogram::Histogram;

/// Labels and their values.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// The text, as far as it is written.
#[derive(Default)]
pub struct Text(String);

impl Text {
    /// Begins a family: its name, what kind of figure it is, and what it tells.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) -> Family<'_> {
        // A text in memory takes everything, here and below.
        let _never_fails = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { text: &mut self.0, name: name.to_owned() }
    }

    /// The whole text.
    pub fn finish(self) -> String {
        self.0
    }
}

/// A family that is being written.
pub struct Family<'a> {
    text: &'a mut String,
    name: String,
}

impl Family<'_> {
    /// One figure.
    pub fn line(&mut self, labels: Labels, value: impl Display) -> &mut Self {
        let shown = shown(labels);
        let _never_fails = writeln!(self.text, "{}{shown} {value}", self.name);
        self
    }

    /// How often something took how long, in seconds.
    pub fn times(&mut self, labels: Labels, times: &Histogram) -> &mut Self {
        let (name, mut count) = (&self.name, 0);
        for (bound, sum) in times.cumulated() {
            let bound = bound.map_or("+Inf".to_owned(), |bound| seconds(bound).to_string());
            let labels = shown(&[labels, &[("le", &bound)]].concat());
            let _never_fails = writeln!(self.text, "{name}_bucket{labels} {sum}");
            count = sum;
        }
        let (labels, sum) = (shown(labels), seconds(times.microseconds()));
        let _never_fails = writeln!(self.text, "{name}_sum{labels} {sum}\n{name}_count{labels} {count}");
        self
    }
}

fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}

fn shown(labels: Labels) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let labels: Vec<_> =
        labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
    format!("{{{}}}", labels.join(","))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_family_has_a_head_and_lines() {
        let mut text = Text::default();
        text.family("a", "gauge", "About a").line(&[("x", "1\"\n"), ("y", "é")], 2).line(&[], 3);
        assert_eq!(text.finish(), "# HELP a About a\n# TYPE a gauge\na{x=\"1\\\"\\n\",y=\"é\"} 2\na 3\n");
    }

    #[test]
    fn times_have_buckets_a_sum_and_a_count() {
        let (mut text, times) = (Text::default(), Histogram::default());
        times.observe(Duration::from_micros(200));
        times.observe(Duration::from_secs(20));
        text.family("t", "histogram", "About t").times(&[("k", "v")], &times);
        let text = text.finish();
        for line in [
            "t_bucket{k=\"v\",le=\"0.0001\"} 0",
            "t_bucket{k=\"v\",le=\"0.0005\"} 1",
            "t_bucket{k=\"v\",le=\"10\"} 1",
            "t_bucket{k=\"v\",le=\"+Inf\"} 2",
            "t_sum{k=\"v\"} 20.0002",
            "t_count{k=\"v\"} 2",
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is not in:\n{text}");
        }
    }
}
