//! Which runs can be undone, and what is said of those that cannot.

use syncline_core::error::{Code, Error, Result};

use crate::request::SchemaPolicy;
use crate::restore::restore_command;
use crate::state::{RunLock, RunRecord, RunVerb, State};
use crate::summary::{Status, TableSummary};

/// Refuses a run of which nothing can be taken back.
///
/// # Errors
/// `NOTHING_TO_UNDO`, and `UNDO_STALE` for one whose target was restored since.
pub(super) async fn check_undoable(state: &State, record: &RunRecord) -> Result<()> {
    let refuse = |why: String| {
        Err(Error::new(Code::NothingToUndo, format!("{} cannot be undone", record.id))
            .because(why)
            .leaving("nothing was changed")
            .next("syncline runs list", "see which runs can be"))
    };
    if record.verb == RunVerb::Restore {
        return Err(not_a_restore(record, None));
    }
    if let Some(restore) = &record.superseded_by {
        return Err(superseded(record, &state.find_run(restore).await?));
    }
    if let Some(by) = &record.undone_by {
        return refuse(format!("{by} has undone it already"));
    }
    if !record.keeps_images {
        return refuse("no before-images of it are kept".to_owned());
    }
    if !state.has_changes(&record.id).await? {
        return refuse(match what_stays(record) {
            Some(stays) => format!("it changed no row; {stays}"),
            None => "it changed nothing".to_owned(),
        });
    }
    Ok(())
}

/// Whether a run is at work; one that says so and whose target nobody has locked is dead.
pub(super) fn is_under_way(state: &State, run: &RunRecord) -> bool {
    run.status == Status::Running && RunLock::is_held(state.dir(), &run.target_identity)
}

/// A run can be taken back once it has ended.
pub(super) fn under_way(run: &RunRecord) -> Error {
    Error::new(Code::RunLocked, format!("{} is under way", run.id))
        .because("what a run does can be undone once it has ended")
        .leaving("nothing was changed")
        .next(format!("syncline undo {}", run.id), "when it has ended")
        .next(format!("syncline runs cancel {}", run.id), "stop it after its current batch")
}

/// What a run has added to tables, which no undo takes away: somebody may have put something into it since.
pub(super) fn what_stays(record: &RunRecord) -> Option<String> {
    let Some(summary) = &record.summary else {
        // It was cut off and has said nothing; the columns are there or not.
        let may_have = record.request.as_ref().is_some_and(|request| request.schema == SchemaPolicy::Add);
        return may_have.then(|| "columns that the run has added to tables stay".to_owned());
    };
    let of_table = |table: &TableSummary| {
        let dotted = |column: &String| format!("{}.{column}", table.table);
        table.added_columns.iter().map(dotted).collect::<Vec<_>>()
    };
    let columns: Vec<String> = summary.tables.iter().flat_map(of_table).collect();
    (!columns.is_empty()).then(|| format!("columns that the run has added stay: {}", columns.join(", ")))
}

/// A restore is gone back from by another one.
pub(super) fn not_a_restore(restore: &RunRecord, older: Option<&RunRecord>) -> Error {
    let what = match older {
        Some(_) => format!("the newest run, {}, is a restore, which is not undone row by row", restore.id),
        None => format!("{} is a restore, which is not undone row by row", restore.id),
    };
    let error = Error::new(Code::NothingToUndo, what).leaving("nothing was changed");
    let error = match &restore.backup {
        Some(kept) => error.next(restore_command(kept, restore), "go back to what was there before it"),
        None => error.because("no backup was made of what was there before it"),
    };
    match older {
        Some(older) => error.next(format!("syncline undo {}", older.id), "undo the newest run that can be undone"),
        None => error,
    }
}

/// The rows that the run left are not there any more, whatever is there now.
fn superseded(record: &RunRecord, restore: &RunRecord) -> Error {
    let may = if restore.status == Status::Succeeded { "has" } else { "was cut off and may have" };
    let what = format!("{} cannot be undone, because its target was restored since", record.id);
    let error = Error::new(Code::UndoStale, what)
        .because(format!("the restore {} {may} put other content in its place", restore.id))
        .leaving("nothing was changed");
    match &restore.backup {
        Some(kept) => error.next(restore_command(kept, restore), "go back to what was there before the restore"),
        None => error.next("syncline runs list", "see what was run"),
    }
}

/// A run whose process died has not said how much it wrote; a restore counts no rows.
pub(super) fn may_have_changed(run: &RunRecord) -> bool {
    let has_restored = run.verb == RunVerb::Restore && run.status == Status::Succeeded;
    run.written_rows > 0 || run.status == Status::Interrupted || has_restored
}
