//! A `.env`: lines of `NAME=value`.
//!
//! Empty lines and those that begin with `#` say nothing, `export ` may stand before a name, and the last line of a name counts. A value in
//! single quotes is itself; in double quotes `\n`, `\r`, `\t`, `\"`, `\\` and `\$` have their meaning; without quotes it ends at
//! ` #` and loses the spaces around it. Nothing is replaced in a value, and none goes over several lines.

/// The value of a variable, if the text sets it.
///
/// The error names the line that cannot be read, and nothing of what it holds. Only lines of that variable count.
pub(super) fn find(text: &str, variable: &str) -> Result<Option<String>, String> {
    let mut found = None;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let Some((name, value)) = line.split_once('=') else { continue };
        if name.trim_end() != variable || line.starts_with('#') {
            continue;
        }
        let value = value_of(value.trim());
        found =
            Some(value.ok_or_else(|| {
                format!("line {} cannot be read: its quotes are not closed, or more follows", at + 1)
            })?);
    }
    Ok(found)
}

fn value_of(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix('\'') {
        let (value, after) = rest.split_once('\'')?;
        return is_comment(after).then(|| value.to_owned());
    }
    if let Some(rest) = text.strip_prefix('"') {
        return quoted(rest);
    }
    let value = text.split_once(" #").map_or(text, |(value, _)| value);
    Some(value.trim_end().to_owned())
}

/// What stands before the double quote that ends it.
fn quoted(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return is_comment(&text[at + 1..]).then_some(value),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                c @ ('"' | '\\' | '$') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}

fn is_comment(after: &str) -> bool {
    let after = after.trim();
    after.is_empty() || after.starts_with('#')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_read_as_they_are_written() {
        let text = "\u{feff}# PW=no\r\nPW=first\nexport PW = 'it #is' # yes\nA=\"a\\\"b\\n\\$\\\\\"\nB= a b # c\nC=a#b\nD=\nE='x'y\nF=\"x\n#G=1\nH=a=b\n";
        let find = |name| find(text, name);
        assert_eq!(find("PW"), Ok(Some("it #is".to_owned())));
        assert_eq!(find("A"), Ok(Some("a\"b\n$\\".to_owned())));
        assert_eq!(find("B"), Ok(Some("a b".to_owned())));
        assert_eq!(find("C"), Ok(Some("a#b".to_owned())));
        assert_eq!(find("D"), Ok(Some(String::new())));
        assert_eq!(find("G"), Ok(None));
        assert_eq!(find("H"), Ok(Some("a=b".to_owned())));
        assert_eq!(find("pw"), Ok(None));
        for (name, line) in [("E", "line 8 "), ("F", "line 9 ")] {
            let why = find(name).unwrap_err();
            assert!(why.starts_with(line) && !why.contains('x'), "{why}");
        }
    }

    proptest! {
        #[test]
        fn single_quotes_keep_everything(value in "[^'\r\n]{0,20}") {
            prop_assert_eq!(find(&format!("X=1\nPW='{value}'\nY=2"), "PW"), Ok(Some(value)));
        }

        #[test]
        fn no_text_is_too_odd(text: String) {
            let _ = find(&text, "A");
        }
    }
}
