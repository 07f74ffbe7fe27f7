//! What MariaDB holds, and what comes of it in a file, in PostgreSQL and in a table of the same types again.

mod documents;
mod numbers;
mod texts;
mod times;

use super::trap::Trap;

/// Values of MariaDB, by the type of their column. Literals are written in a session that is not strict.
pub(super) const FROM_MARIADB: &[&[Trap]] = &[numbers::NUMBERS, times::TIMES, texts::TEXTS, documents::DOCUMENTS];
