//! The data path of Syncline and its ports.
//!
//! Read the modules in the order below: first the words, then the stages a change passes through, then what is built
//! from them. Nothing here opens a socket or a file, loads a driver, reads the clock or rolls dice: stores and state are
//! reached through the ports in [`store`] and [`state`].
//!
//! ```text
//! capture ──► change ──► transport ──► resolve ──► apply ──► checkpoint
//! ```
//!
//! Runs between two stores pass changes from capture to apply in the same process, so `transport` and `resolve` have
//! nothing to hold yet and are absent.

// The words.
pub mod error;
pub mod limits;

pub mod value;

pub mod schema;

pub mod mapping;

pub mod change;

// The ports, and what runs through all stages: where a run stands, what it tells, how it is stopped and slowed.
pub mod cancel;
pub mod checkpoint;
pub mod event;
pub mod pace;
pub mod state;
pub mod store;

// The stages, in the order a change passes through them.
pub mod capture;

pub mod apply;

// What is built from the stages.
pub mod pipeline;

pub mod undo;

pub mod verify;
