//! What only the PostgreSQL store promises.

mod codec;
