//! What PostgreSQL holds, and what comes of it in a file, in MariaDB and in a table of the same types again.

mod documents;
mod numbers;
mod texts;
mod times;

use super::trap::Trap;

/// Types that the tables are made of.
pub(super) const TYPES: &str = "CREATE TYPE mood AS ENUM ('happy', 'it''s so-so', 'sad');
    CREATE DOMAIN postcode AS text CHECK (VALUE ~ '^[0-9]{5}$');
    CREATE DOMAIN positive AS numeric(6,2) CHECK (VALUE > 0);
    CREATE TYPE part AS (number integer, name text, at timestamp);";

/// Values of PostgreSQL, by the type of their column.
pub(super) const FROM_POSTGRES: &[&[Trap]] = &[numbers::NUMBERS, times::TIMES, documents::DOCUMENTS, texts::TEXTS];
