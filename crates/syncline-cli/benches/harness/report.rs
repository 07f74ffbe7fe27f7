//! What is printed.

use std::fmt::Write as _;
use std::fs;

use crate::measure::Used;
use crate::sides::Measured;

/// One part, measured.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    /// Rows that each side goes through.
    pub(crate) rows: u64,
    /// How many of them Syncline has to manage a second, where that is said.
    pub(crate) least_rate: Option<f64>,
    pub(crate) peak_bound_mb: f64,
    /// Syncline, and then what stands beside it.
    pub(crate) sides: Vec<Measured>,
}

impl Line {
    fn ours(&self) -> &Measured {
        &self.sides[0]
    }

    fn rate(&self, of: &Measured) -> f64 {
        self.rows as f64 / of.seconds()
    }
}

impl Measured {
    /// The median.
    fn seconds(&self) -> f64 {
        median(&self.used, |used| used.seconds)
    }

    fn peak_mb(&self) -> f64 {
        self.used.iter().map(|used| used.peak_mb).fold(0.0, f64::max)
    }
}

/// How busy the machine is.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// All sides of one part, a line each.
pub(crate) fn part(line: &Line) -> String {
    let mut text = format!("{}\n", line.name);
    for side in &line.sides {
        let least = side.used.iter().map(|used| used.seconds).fold(f64::MAX, f64::min);
        let most = side.used.iter().map(|used| used.seconds).fold(0.0, f64::max);
        let _ = writeln!(
            text,
            "  {:<12} {:>7.3} s [{least:.3}-{most:.3}]  {:>9.0} rows/s  {:>6.2} cpu s  {:>6.1} MB peak",
            side.name,
            side.seconds(),
            line.rate(side),
            median(&side.used, |used| used.cpu_seconds),
            side.peak_mb(),
        );
    }
    text
}

/// All parts with their bounds, of which those of time are ratios of medians.
pub(crate) fn table(lines: &[Line]) -> String {
    let mut text = format!("{:<32} {:<14} {:>8} {:>8}\n", "part", "", "", "bound");
    for line in lines {
        let ours = line.ours();
        for side in &line.sides[1..] {
            let ratio = ours.seconds() / side.seconds();
            let bound = side.bound.map(|bound| (format!("{bound:.2}"), ratio <= bound));
            row(&mut text, line.name, side.name, &format!("{ratio:.2}"), bound);
        }
        if let Some(least) = line.least_rate {
            let rate = line.rate(ours);
            row(&mut text, line.name, "rows/s", &format!("{rate:.0}"), Some((format!("{least:.0}"), rate >= least)));
        }
        let bound = (format!("{:.0}", line.peak_bound_mb), ours.peak_mb() <= line.peak_bound_mb);
        row(&mut text, line.name, "peak MB", &format!("{:.1}", ours.peak_mb()), Some(bound));
    }
    text
}

/// One figure, and what it is held against.
fn row(text: &mut String, part: &str, what: &str, figure: &str, bound: Option<(String, bool)>) {
    let (bound, verdict) = match bound {
        Some((bound, true)) => (bound, "met"),
        Some((bound, false)) => (bound, "NOT MET"),
        None => (String::new(), ""),
    };
    let line = format!("{part:<32} {what:<14} {figure:>8} {bound:>8}  {verdict}");
    let _ = writeln!(text, "{}", line.trim_end());
}

fn median(used: &[Used], of: impl Fn(&Used) -> f64) -> f64 {
    let mut values: Vec<f64> = used.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[len / 2],
        len => f64::midpoint(values[len / 2 - 1], values[len / 2]),
    }
}
