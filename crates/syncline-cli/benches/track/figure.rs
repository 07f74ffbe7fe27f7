//! What is printed.

use std::fs;

/// Above the lines.
pub(crate) const HEADING: &str =
    "part                        ours, or tracked [spread]     beside, or plain [spread]     ratio   bound";

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// At most so many times what stands beside.
    Ratio(f64),
    /// At most so many seconds.
    Seconds(f64),
}

/// Seconds of one side, and of what stands beside it where anything does.
pub(crate) struct Figure {
    pub(crate) ours: Vec<f64>,
    pub(crate) beside: Vec<f64>,
}

impl Figure {
    /// Medians and what lies around them.
    pub(crate) fn line(&self, name: &str, bound: Bound) -> String {
        let ours = median(&self.ours);
        let (beside, ratio) = match self.beside.as_slice() {
            [] => (String::new(), None),
            beside => (side(beside), Some(ours / median(beside))),
        };
        let (is_met, bound) = match bound {
            Bound::Ratio(bound) => (ratio.map(|ratio| ratio <= bound), format!("{bound:.2}")),
            Bound::Seconds(bound) => (Some(ours <= bound), format!("{bound:.2} s")),
        };
        let ratio = ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        let verdict = is_met.map(|is_met| if is_met { "met" } else { "NOT MET" }).unwrap_or_default();
        format!("{name:<26}  {:<28}  {beside:<28}  {ratio:>5}  {bound:>6}  {verdict}", side(&self.ours))
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
