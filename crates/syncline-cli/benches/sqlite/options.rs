//! What is to be measured.

use crate::parts;

pub(crate) const USAGE: &str = "\
usage: cargo xtask bench sqlite [--rows N] [--pairs N] [--only PART,...]

  --rows N    rows of the dataset [default: 1000000]
  --pairs N   interleaved pairs of each part [default: 7]
  --only P,.. parts whose name begins so [default: all]";

/// The command line of the benchmark.
pub(crate) struct Options {
    /// Rows of the dataset.
    pub(crate) rows: u64,
    /// Interleaved pairs of each part.
    pub(crate) pairs: usize,
    only: Vec<String>,
}

impl Options {
    /// Reads the arguments; `--bench` is what cargo itself adds.
    pub(crate) fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self { rows: 1_000_000, pairs: 7, only: Vec::new() };
        let mut args = args.iter().filter(|arg| *arg != "--bench");
        while let Some(flag) = args.next() {
            let value = args.next().ok_or_else(|| format!("{flag} needs a value, or is unknown"))?;
            let number = || value.parse::<u64>().ok().filter(|number| *number > 0).ok_or(format!("{flag} {value}?"));
            match flag.as_str() {
                "--rows" => options.rows = number()?,
                "--pairs" => options.pairs = usize::try_from(number()?).unwrap(),
                "--only" => options.only = value.split(',').map(str::to_owned).collect(),
                _ => return Err(format!("unknown flag {flag}")),
            }
        }
        if let Some(unknown) = options.only.iter().find(|only| !parts::ALL.iter().any(|it| it.name.starts_with(*only)))
        {
            let known: Vec<_> = parts::ALL.iter().map(|part| part.name).collect();
            return Err(format!("no part begins with {unknown}; known: {}", known.join(", ")));
        }
        Ok(options)
    }

    /// Whether a part is to be measured.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| part.starts_with(only))
    }
}
