//! Tables of text: no frames, numbers to the right, two spaces between columns.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::text::{clip, escape};

/// Where a column's cells stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table's own text is cut here; nobody reads on.
const CELL_WIDTH: usize = 100;

/// Lays rows out under their headings. Cells are escaped here; a column without a heading and cells is left out.
pub(crate) fn table(headings: &[(String, Side)], rows: &[Vec<String>]) -> String {
    let is_used = |at: usize| rows.iter().any(|row| !row[at].is_empty());
    let used: Vec<usize> = (0..headings.len()).filter(|at| is_used(*at)).collect();
    let shown = |cell: &String| clip(&escape(cell), CELL_WIDTH);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
    table.set_header(used.iter().map(|at| shown(&headings[*at].0)));
    table.add_rows(rows.iter().map(|row| used.iter().map(|at| shown(&row[*at])).collect::<Vec<_>>()));
    for (column, at) in used.iter().enumerate() {
        let side = if headings[*at].1 == Side::Left { CellAlignment::Left } else { CellAlignment::Right };
        if let Some(column) = table.column_mut(column) {
            column.set_padding((0, 2)).set_cell_alignment(side);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A heading over words.
pub(crate) fn words(heading: impl Into<String>) -> (String, Side) {
    (heading.into(), Side::Left)
}

/// A heading over numbers.
pub(crate) fn numbers(heading: impl Into<String>) -> (String, Side) {
    (heading.into(), Side::Right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let headings = [words("TABLE"), numbers("SAME"), words("EMPTY"), words("NOTE")];
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let rows = [row(["customers", "48,210", "", ""]), row(["a\x1bb", "9", "", "odd"])];
        let expected = "\
TABLE        SAME  NOTE
customers  48,210
a\\x1bb          9  odd
";
        assert_eq!(table(&headings, &rows), expected);
    }
}
