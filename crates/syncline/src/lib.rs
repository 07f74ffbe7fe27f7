//! Syncline as a library: open databases, see how they differ, bring one into line with the other, prove it, take it
//! back.
//!
//! Everything starts with a [`Syncline`] session. The command line is one user of this crate; it has no way to a
//! database that this crate does not offer.

pub mod config;
pub mod conflicts;
mod counterpart;
pub mod demo;

mod backup;
mod backup_file;
mod backup_name;
mod bent;
mod compare;
mod database_name;
mod decide;
mod diff;
mod doctor;
mod drift;
mod follow;
mod held;
mod open;
mod outside;
mod pace;
mod pairing;
pub mod plan;
mod recover;
pub mod request;
mod restore;
pub mod row_difference;
pub mod row_json;
mod run;
mod runs;
mod select;
mod session;
mod side_by_side;
mod sql_script;
pub mod state;
mod status;
pub mod summary;
mod sync_log;
mod target_lock;
mod track;
mod undo;
mod verify;

pub use backup::{BackupReport, BackupRequest};
pub use database_name::{DatabaseName, MysqlName, PostgresName};
pub use diff::DiffRequest;
pub use doctor::{DoctorReport, DoctorRequest, FindingReport, GrantsRequest};
pub use restore::{RestorePlan, RestoreReport, RestoreRequest};
pub use runs::RunPage;
pub use session::{Environment, Settings, Syncline};
pub use sql_script::{Clash, sql_of};
pub use state::{LogLine, RunRecord};
pub use status::{ConsumerStatus, StatusReport, TableStatus, Verdict};
pub use sync_log::LogHook;
pub use syncline_core::cancel::Cancel;
pub use syncline_core::capture::SlowLinks;
pub use syncline_core::change::{Operation, Reason};
pub use syncline_core::mapping::{Mapping, MappingRequest, TableFilter};
pub use syncline_core::pace::{Clock, Rate};
pub use syncline_core::schema::{Difference, DifferenceKind, Severity};
pub use syncline_core::store::{Grant, Grants, Owners, Side};
pub use syncline_core::value::{Value, calendar};
pub use syncline_core::{error, event, limits};
pub use syncline_stores::sql::{Dialect, MYSQL_MODE};
pub use track::{TrackReport, TrackRequest, TrackedReport};
pub use undo::{UndoPlan, UndoTable};
pub use verify::{TableVerification, VerifyReport, VerifyRequest};
