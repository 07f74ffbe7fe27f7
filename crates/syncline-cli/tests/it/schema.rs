//! Two schemas that differ: what stops a run, what is added, what is left out, what is not created, what is kept.

mod added;
mod cut_off;
mod ignored;
mod kept;
mod no_create;
mod report;
