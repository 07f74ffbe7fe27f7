//! Keeping triggers and rules of the application and actions of foreign keys from running while rows are written.
//!
//! A session that counts as one that replicates fires none of them, if it may be one. Otherwise whoever owns a table may
//! switch off its triggers within the transaction; its foreign keys stay as they are then, and what they refuse is left out.
//! A table whose triggers would fire is not written to: nobody could tell what they do.

use syncline_core::error::{Code, Error};
use tokio_postgres::error::SqlState;

use super::open::Open;
use super::session::Session;
use super::target::{Target, Trigger};
use crate::postgres::connect::failure::Attempt;

const REPLICATE: &str = "SET LOCAL session_replication_role = replica";

/// Makes the session one that replicates, as far as the open transaction goes. Tells whether it is.
pub(super) async fn replicate(session: &Session, is_known: Option<bool>) -> Attempt<bool> {
    match is_known {
        Some(true) => session.run(REPLICATE).await.map(|()| true),
        Some(false) => Ok(false),
        None => {
            let client = &session.connection().client;
            let attempt = format!("SAVEPOINT _syncline; {REPLICATE}; RELEASE SAVEPOINT _syncline");
            match client.batch_execute(&attempt).await {
                Ok(()) => Ok(true),
                Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                    session.run("ROLLBACK TO SAVEPOINT _syncline; RELEASE SAVEPOINT _syncline").await?;
                    Ok(false)
                }
                Err(error) => Err(error.into()),
            }
        }
    }
}

/// Switches off what would still fire for a table, until the end of the transaction.
pub(super) async fn switch_off(open: &mut Open<'_>, target: &Target) -> Attempt<()> {
    let spared = if open.replicates { "O" } else { "R" };
    let firing: Vec<_> = target.triggers.iter().filter(|trigger| trigger.enabled != spared).collect();
    let Some(first) = firing.first() else { return Ok(()) };
    if !target.is_ours {
        return Err(not_switched_off(&target.name, first).into());
    }
    for trigger in firing {
        let Trigger { table, name, kind, .. } = trigger;
        open.session.run(&format!("ALTER TABLE ONLY {table} DISABLE {kind} {name}")).await?;
        let again = match trigger.enabled.as_str() {
            "A" => "ENABLE ALWAYS",
            "R" => "ENABLE REPLICA",
            _ => "ENABLE",
        };
        open.restores.push(format!("ALTER TABLE ONLY {table} {again} {kind} {name}"));
    }
    Ok(())
}

fn not_switched_off(table: &str, trigger: &Trigger) -> Error {
    let (name, kind) = (&trigger.name, trigger.kind.to_lowercase());
    Error::new(Code::TableDenied, format!("this user may not switch off the {kind}s of {table}"))
        .because(format!("{kind} {name} would change what is written, or write elsewhere"))
        .leaving("the table is untouched")
        .next(
            "GRANT SET ON PARAMETER session_replication_role TO …",
            "lets the user write without them (PostgreSQL 15)",
        )
        .next("let the role that owns the table write to it", "it may switch them off for the time of a transaction")
}
