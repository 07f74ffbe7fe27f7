//! Which server it is.

use std::fmt;

use syncline_core::error::{Code, Error, Result};

/// Who makes a server. Both speak one protocol, and differ in types, functions and settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// MySQL, and what calls itself so.
    MySql,
    /// MariaDB.
    MariaDb,
}

/// A server's version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Who makes it.
    pub product: Product,
    /// Its first two numbers.
    pub number: (u32, u32),
    /// As the server tells it.
    pub text: String,
}

impl Version {
    /// Reads what `VERSION()` returns: `8.0.36-debug`, `10.11.19-MariaDB-0+deb12u1`.
    pub fn parse(text: &str) -> Self {
        let product = if text.contains("MariaDB") { Product::MariaDb } else { Product::MySql };
        // Servers that stand in for old MySQL say so first.
        let numbers = text.strip_prefix("5.5.5-").filter(|_| product == Product::MariaDb).unwrap_or(text);
        let mut parts = numbers.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
        let number = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        Self { product, number, text: text.to_owned() }
    }

    /// # Errors
    /// `STORE_TOO_OLD` for one that is not worked with.
    pub(super) fn check(&self, label: &str) -> Result<()> {
        let oldest = match self.product {
            Product::MySql => (8, 0),
            Product::MariaDb => (10, 6),
        };
        if self.number >= oldest {
            return Ok(());
        }
        let (product, (major, minor)) = (self.product, oldest);
        Err(Error::new(Code::StoreTooOld, format!("the server of {label} is too old"))
            .because(format!("it is {product} {}, and {major}.{minor} is the oldest that is worked with", self.text))
            .leaving("nothing was changed"))
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Product::MySql => "MySQL",
            Product::MariaDb => "MariaDB",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_say_what_they_are() {
        let cases = [
            ("8.0.36", Product::MySql, (8, 0)),
            ("9.1.0-commercial", Product::MySql, (9, 1)),
            ("10.11.19-MariaDB-0+deb12u1", Product::MariaDb, (10, 11)),
            ("5.5.5-10.6.4-MariaDB", Product::MariaDb, (10, 6)),
            ("", Product::MySql, (0, 0)),
        ];
        for (text, product, number) in cases {
            let version = Version::parse(text);
            assert_eq!((version.product, version.number), (product, number), "{text}");
        }
    }

    #[test]
    fn old_servers_are_refused() {
        for new in ["8.0.0", "8.4.3", "10.6.0-MariaDB", "11.4.2-MariaDB"] {
            assert!(Version::parse(new).check("h/d").is_ok(), "{new}");
        }
        for old in ["5.7.44", "10.5.9-MariaDB", "", "7"] {
            assert_eq!(Version::parse(old).check("h/d").unwrap_err().code(), Code::StoreTooOld, "{old}");
        }
    }
}
