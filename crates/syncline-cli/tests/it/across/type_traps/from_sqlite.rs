//! What a file holds, and what comes of it in PostgreSQL and MariaDB and in a file again.

mod documents;
mod numbers;
mod texts;
mod times;

use super::trap::Trap;

/// Values of SQLite, by the type their column is declared with. Literals are SQL of SQLite.
pub(super) const FROM_SQLITE: &[&[Trap]] = &[numbers::NUMBERS, times::TIMES, documents::DOCUMENTS, texts::TEXTS];
