//! `--where`, `--columns`, `--rename` and `--mask`.

mod columns;
mod filters;
mod hostile;
mod masks;
mod plans;
mod refused;
mod renames;
