//! What is to be measured.

/// What every benchmark of this kind understands.
pub(crate) struct Options {
    /// Rows of the dataset.
    pub(crate) rows: u64,
    /// Interleaved pairs of each part.
    pub(crate) pairs: usize,
    only: Vec<String>,
}

impl Options {
    /// Reads the arguments; `--bench` is what cargo itself adds. Flags that only one benchmark has go to `further` with
    /// their value, and come back as false when that does not know them either.
    pub(crate) fn parse(
        args: &[String],
        parts: &[&str],
        mut further: impl FnMut(&str, &str) -> bool,
    ) -> Result<Self, String> {
        let mut options = Self { rows: 1_000_000, pairs: 7, only: Vec::new() };
        let mut args = args.iter().filter(|arg| *arg != "--bench");
        while let Some(flag) = args.next() {
            let value = args.next().ok_or_else(|| format!("{flag} needs a value, or is unknown"))?;
            let number = || value.parse::<u64>().ok().filter(|number| *number > 0).ok_or(format!("{flag} {value}?"));
            match flag.as_str() {
                "--rows" => options.rows = number()?,
                "--pairs" => options.pairs = usize::try_from(number()?).unwrap(),
                "--only" => options.only = value.split(',').map(str::to_owned).collect(),
                _ if further(flag, value) => {}
                _ => return Err(format!("unknown flag {flag}")),
            }
        }
        if let Some(unknown) = options.only.iter().find(|only| !parts.iter().any(|name| name.starts_with(*only))) {
            return Err(format!("no part begins with {unknown}; known: {}", parts.join(", ")));
        }
        Ok(options)
    }

    /// Whether a part is to be measured.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| part.starts_with(only))
    }
}
