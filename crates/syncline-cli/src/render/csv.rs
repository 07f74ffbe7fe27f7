//! What every CSV has in common (RFC 4180).

use crate::output::Output;

/// What ends a line there. The standard's carriage return would be made visible on a terminal.
pub(crate) fn line_end(output: &Output) -> &'static str {
    if output.is_terminal() { "\n" } else { "\r\n" }
}

/// Text as a field: harmless to spreadsheets, and in quotes where it must be told from what is around it.
pub(crate) fn quoted(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let needs_quotes = text.is_empty() || text.contains([',', '"', '\r', '\n']);
    let guard = if is_formula { "'" } else { "" };
    if needs_quotes { format!("\"{guard}{}\"", text.replace('"', "\"\"")) } else { format!("{guard}{text}") }
}
