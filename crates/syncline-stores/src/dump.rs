//! Backups by the programs that an engine brings for it.
//!
//! The program writes to a pipe and reads from one, and this process stands at the other end: it sees every byte, so it sums them
//! up, stops between two of them, and when it dies the program finds the pipe closed and ends too. The password is in the
//! program's environment, which only the same user sees, and never among its arguments.

mod tool;
mod trailer;

pub(crate) use self::tool::{Environment, Program, Running, Tool, major};
pub(crate) use self::trailer::{Facts, Summed, Trailer, damaged, unreadable};
