//! What is printed.

use std::fmt::Write as _;
use std::fs;

use crate::measure::Used;
use crate::options::Options;
use crate::orders::Dataset;

/// One part, measured.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) bound: Option<f64>,
    pub(crate) peak_bound_mb: f64,
    pub(crate) ours: Vec<Used>,
    pub(crate) bare: Vec<Used>,
}

impl Line {
    /// The ratio of medians.
    pub(crate) fn ratio(&self) -> f64 {
        median(&self.ours, |used| used.seconds) / median(&self.bare, |used| used.seconds)
    }

    fn peak_mb(&self) -> f64 {
        self.ours.iter().map(|used| used.peak_mb).fold(0.0, f64::max)
    }
}

/// What was measured where.
pub(crate) fn heading(options: &Options, dataset: &Dataset) -> String {
    let bytes = fs::metadata(dataset.file("orders")).unwrap().len();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    format!(
        "{} rows, {:.1} MB; {} interleaved pairs; SQLite {}; load average before {load}",
        dataset.rows,
        bytes as f64 / 1e6,
        options.pairs,
        rusqlite::version()
    )
}

/// Both sides of one part in two lines.
pub(crate) fn pair(line: &Line, rows: u64) -> String {
    let mut text = format!("{}\n", line.name);
    for (who, used) in [("syncline", &line.ours), ("bare", &line.bare)] {
        let seconds = median(used, |used| used.seconds);
        let least = used.iter().map(|used| used.seconds).fold(f64::MAX, f64::min);
        let most = used.iter().map(|used| used.seconds).fold(0.0, f64::max);
        let _ = writeln!(
            text,
            "  {who:<9} {seconds:>7.3} s [{least:.3}-{most:.3}]  {:>9.0} rows/s  {:>6.2} cpu s  {:>6.1} MB peak",
            rows as f64 / seconds,
            median(used, |used| used.cpu_seconds),
            used.iter().map(|used| used.peak_mb).fold(0.0, f64::max),
        );
    }
    text
}

/// All parts with their bounds.
pub(crate) fn table(lines: &[Line]) -> String {
    let mut text = format!("{:<34} {:>6} {:>6}  {:<8} {:>8}  memory\n", "part", "ratio", "bound", "", "peak MB");
    for line in lines {
        let (bound, verdict) = match line.bound {
            Some(bound) => (format!("{bound:.2}"), if line.ratio() <= bound { "met" } else { "NOT MET" }),
            None => (String::new(), ""),
        };
        let memory = if line.peak_mb() <= line.peak_bound_mb { "met" } else { "NOT MET" };
        let _ = writeln!(
            text,
            "{:<34} {:>6.2} {bound:>6}  {verdict:<8} {:>8.1}  {memory} (below {:.0})",
            line.name,
            line.ratio(),
            line.peak_mb(),
            line.peak_bound_mb
        );
    }
    text
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
