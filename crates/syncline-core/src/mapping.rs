//! How the source is seen through a job: which tables take part, which of their rows and columns, under which names and
//! with which values hidden.
//!
//! What was typed is a [`MappingRequest`]. Parsed, it is a [`Mapping`]; held against the source's schema, it is a
//! [`Resolved`] mapping with a [`TableView`] for each table. Nothing of it is ever handed to a database as text.

mod additions;
mod called;
mod columns;
mod define;
mod feasible;
pub mod filter;
pub(crate) mod lookup;
pub mod mask;
mod mentions;
mod misfit;
pub mod names;
mod references;
mod resolve;
pub(crate) mod rules;
pub mod tables;

use serde::{Deserialize, Serialize};

pub use self::additions::additions;
pub use self::called::Called;
pub use self::define::{Defined, LeftOut};
pub use self::filter::Condition;
pub use self::mask::{Mask, MaskKey, MaskKind};
pub use self::resolve::{Resolved, TableView};
pub use self::rules::Mapping;
pub use self::tables::TableFilter;

/// A mapping as it was typed, one text a rule. It is recorded with its run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MappingRequest {
    /// Which rows take part: `orders: id > 100`.
    #[serde(rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<String>,
    /// Which columns are carried: `customers: !ssn`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// New names: `users=members`, `orders.total_cents=total`.
    #[serde(rename = "rename", skip_serializing_if = "Vec::is_empty")]
    pub renames: Vec<String>,
    /// Hidden values: `customers.email=fake`.
    #[serde(rename = "mask", skip_serializing_if = "Vec::is_empty")]
    pub masks: Vec<String>,
    /// What becomes of values that do not fit the target's column: `orders.total=clamp`.
    #[serde(rename = "misfit", skip_serializing_if = "Vec::is_empty")]
    pub misfits: Vec<String>,
    /// What `now()` means in filters, in milliseconds since 1970; a run sets it when it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of_ms: Option<i64>,
}
