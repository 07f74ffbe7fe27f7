//! What is printed.

use std::fs;

/// Above the lines.
pub(crate) const HEADING: &str =
    "part                        tracked [spread]              plain [spread]                ratio  bound";

/// Seconds of one side, and of what stands beside it where anything does.
pub(crate) struct Figure {
    pub(crate) ours: Vec<f64>,
    pub(crate) beside: Vec<f64>,
}

impl Figure {
    /// Medians and what lies around them. Where nothing stands beside, the bound is one of seconds.
    pub(crate) fn line(&self, name: &str, bound: Option<f64>) -> String {
        let ours = median(&self.ours);
        let (beside, held) = match self.beside.as_slice() {
            [] => (String::new(), ours),
            beside => (side(beside), ours / median(beside)),
        };
        let ratio = if self.beside.is_empty() { String::new() } else { format!("{held:.2}") };
        let verdict = bound.map(|bound| if held <= bound { "met" } else { "NOT MET" }).unwrap_or_default();
        let bound = bound.map(|bound| format!("{bound:.2}")).unwrap_or_default();
        format!("{name:<26}  {:<28}  {beside:<28}  {ratio:>5}  {bound:>5}  {verdict}", side(&self.ours))
    }
}

/// How busy the machine is.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[len / 2],
        len => f64::midpoint(values[len / 2 - 1], values[len / 2]),
    }
}

fn side(values: &[f64]) -> String {
    let (least, most) = (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(0.0, f64::max));
    format!("{:.3} s [{least:.3}-{most:.3}]", median(values))
}
