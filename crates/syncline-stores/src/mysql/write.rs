//! Writing.

pub mod define;
