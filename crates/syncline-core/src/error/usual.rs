//! What is usually behind an error and what usually helps, for codes whose errors are raised where nobody knows better.
//! A catalogue: it may be long.

use super::{Code, NextStep, without_table};

/// A code, why it usually happens, what usually helps and what that does.
type Usual = (Code, &'static str, &'static str, &'static str);

const DECLARED_OTHERWISE: &str = "the two tables are declared differently";
/// How advice ends that the flag belongs to, once the table is known.
const LEAVE_OUT: &str = "leave the table out";
const WITHOUT_THE_TABLE: &str = "or leave the table out";

const USUAL: &[Usual] = &[
    (
        Code::UsageInvalid,
        "the command cannot be carried out as it was given",
        "syncline COMMAND --help",
        "see what it takes",
    ),
    (Code::UrlInvalid, "the name is in no form that is known", "sqlite:PATH", "names a SQLite file, whatever its name"),
    (Code::UrlOption, "options can change what is read or written", "leave the option away", ""),
    (
        Code::ConnectionUnknown,
        "no configuration that is in force has it",
        "syncline conn list",
        "see the connections there are",
    ),
    (
        Code::ConnectionAmbiguous,
        "a connection and a file have the name",
        "connection:NAME or sqlite:NAME",
        "says which of the two is meant",
    ),
    (Code::ConnectionExists, "adding never replaces", "syncline conn edit NAME", "change the one that is there"),
    (
        Code::ConnectionInvalid,
        "it would not be understood where it is used",
        "syncline explain CONNECTION_INVALID",
        "see what a connection may be called and lead to",
    ),
    (
        Code::ConfigInvalid,
        "the file does not say what a configuration can say",
        "syncline config validate",
        "see everything that is wrong, and where",
    ),
    (
        Code::ConfigUntrusted,
        "somebody else may have written it",
        "syncline explain CONFIG_UNTRUSTED",
        "see whose file may be used",
    ),
    (Code::ConfigFailed, "the system does not let it be used", "check the path and the rights on it", ""),
    (Code::ConfigExists, "nothing is overwritten", "syncline conn add NAME URL", "add to the file that is there"),
    (
        Code::SecretFailed,
        "what was to give it did not",
        "syncline explain SECRET_FAILED",
        "see what can keep a secret back",
    ),
    (
        Code::NotADatabase,
        "the file has other content than a database",
        "check the path",
        "an encrypted database looks like this too",
    ),
    (
        Code::TableNotFound,
        "the database has no table of that name",
        "check the name",
        "`syncline diff A B` lists the tables",
    ),
    (Code::ColumnNotFound, "the table has no column of that name", "check the name", ""),
    (
        Code::FilterInvalid,
        "the filter cannot be used as it is",
        "syncline explain FILTER_INVALID",
        "see what a filter may say",
    ),
    (
        Code::ColumnsInvalid,
        "the list cannot be used as it is",
        "syncline explain COLUMNS_INVALID",
        "see what a list may say",
    ),
    (
        Code::RenameInvalid,
        "the names cannot be used as they are",
        "syncline explain RENAME_INVALID",
        "see what a rename may say",
    ),
    (
        Code::MisfitInvalid,
        "the choice cannot be made there",
        "syncline explain MISFIT_INVALID",
        "see what choices there are",
    ),
    (
        Code::CursorInvalid,
        "changes cannot be found by that column",
        "syncline explain CURSOR_INVALID",
        "see what columns can be used",
    ),
    (Code::MaskInvalid, "the mask cannot be used there", "syncline explain MASK_INVALID", "see what masks there are"),
    (Code::NotATable, "only ordinary tables are carried", "name a table, or leave the name away", ""),
    (Code::NoTables, "nothing is left of what was named", "check the two names and --tables", ""),
    (
        Code::ValueTooLarge,
        "the view was given less memory than the value takes",
        "read the table through a view of its own",
        "it may then take what the value needs",
    ),
    (
        Code::RunNotFound,
        "the state directory in use has no such run",
        "syncline runs list",
        "see which runs are recorded",
    ),
    (
        Code::ConflictNotFound,
        "the state directory in use has no such row",
        "syncline conflicts list --all",
        "see what is held, and what was",
    ),
    (
        Code::ConflictStale,
        "another database is in its place now",
        "put the database back, or run the copy or mirror again",
        "",
    ),
    (Code::NothingToUndo, "no run with before-images is left", "syncline runs list", "see what was run"),
    (Code::ConfirmationNeeded, "there is nobody to ask", "--yes", "agree beforehand"),
    (
        Code::PlanInvalid,
        "it was cut off, changed, or never was a plan",
        "syncline plan copy|mirror SOURCE TARGET -o FILE",
        "make one anew",
    ),
    (Code::PlanStale, "what it was made for has changed", "make the plan anew", "it shows what would be done now"),
    (Code::PlanSpent, "a plan is for one run", "make the plan anew", "it shows what is left to do"),
    (
        Code::StoreMissing,
        "there is no file of that name",
        "check the path",
        "only copy, mirror and restore create a database, and only as target",
    ),
    (Code::StoreLocked, "another program is writing to it", "run the command again when the other program is done", ""),
    (
        Code::StoreReadOnly,
        "the file, its directory or the file system is read-only for this user",
        "make the file and its directory writable for this user, or name another target",
        "",
    ),
    (
        Code::StoreDenied,
        "the rights of this user do not reach it",
        "check who may read and write the file and its directory",
        "",
    ),
    (
        Code::StoreUnreachable,
        "no server answers there, or it takes no connections",
        "check host and port, and whether the server runs",
        "",
    ),
    (
        Code::ConnectionLost,
        "the server was stopped, or the network failed",
        "run the command again",
        "it goes on from what is committed",
    ),
    (Code::LoginFailed, "the server did not let us in", "check the user and the password", ""),
    (
        Code::TlsFailed,
        "the server is not encrypted, or not vouched for",
        "syncline explain TLS_FAILED",
        "see what can be asked for",
    ),
    (Code::PermissionDenied, "the user has no right to do that", "grant the right, or log in as another user", ""),
    (
        Code::TableDenied,
        "the user has no right to do that",
        "grant the right on the table, or log in as another user",
        WITHOUT_THE_TABLE,
    ),
    (Code::StoreTooOld, "the server is of an old version", "upgrade the server", ""),
    (
        Code::StatementCancelled,
        "somebody asked the server to, or a time limit is set there",
        "run the command again",
        "it goes on from what is committed",
    ),
    (
        Code::StoreCorrupt,
        "its pages contradict each other",
        "PRAGMA integrity_check",
        "in the sqlite3 shell: see what is damaged; .recover saves what can be",
    ),
    (
        Code::DiskFull,
        "there is too little room on that disk",
        "free some space and run the command again",
        "it goes on from what is committed",
    ),
    (Code::BackupExists, "a backup never overwrites anything", "-o FILE", "write it to another file"),
    (
        Code::RestoreRefused,
        "the engine cannot put the backup into this database",
        "syncline restore FILE NEW-DATABASE",
        "put it beside",
    ),
    (
        Code::ToolMissing,
        "the engine's own program does the work",
        "syncline explain TOOL_MISSING",
        "see which package has it",
    ),
    (
        Code::StoreFailed,
        "the database could not do what was asked",
        "run the command again with -v",
        "see the causes beneath",
    ),
    (Code::SchemaColumnMissing, "", "--schema add", WITHOUT_THE_TABLE),
    (Code::SchemaColumnExtra, "", "--schema ignore", WITHOUT_THE_TABLE),
    (Code::SchemaColumnRequired, "", "carry the column too", "or give it a default in the target"),
    (Code::SchemaTypeDiffers, DECLARED_OTHERWISE, "declare the column alike on both sides", WITHOUT_THE_TABLE),
    (Code::SchemaKeyDiffers, DECLARED_OTHERWISE, "give both tables the same key", WITHOUT_THE_TABLE),
    (Code::SchemaNotAdded, "the target does not take it", "add the column by hand", WITHOUT_THE_TABLE),
    (
        Code::TargetChanged,
        "another program has written to it meanwhile",
        "run again",
        "compare the rows that are there now",
    ),
    (Code::TableNotCreated, "the target does not take its definition", "create the table by hand", WITHOUT_THE_TABLE),
    (
        Code::TableNameShared,
        "the case of letters makes no other name in the target",
        "--rename OLD=NEW",
        "give one of the two another name there",
    ),
    (
        Code::TableRebuilt,
        "its rows were taken away from those who were reading it",
        "run the command again",
        "it reads the table as it is by then",
    ),
    (
        Code::TextUnreadable,
        "its bytes are no text in the database's encoding",
        "syncline explain TEXT_UNREADABLE",
        "see how to mend the text, or leave the table out",
    ),
    (Code::TableNoKey, "nothing tells its rows apart", "give the table a key", WITHOUT_THE_TABLE),
    (
        Code::TableNoTransactions,
        "what is written to it is final at once, and could not be taken back",
        "ALTER TABLE … ENGINE = InnoDB",
        WITHOUT_THE_TABLE,
    ),
    (
        Code::NotTracked,
        "it keeps no log of what is changed in it",
        "syncline track SOURCE",
        "have it keep one; the next run compares once, and those after it go by the log",
    ),
    (Code::TableNotTracked, "no log can be kept of it", "--tables …", "track the others only"),
    (
        Code::TrackingBroken,
        "what Syncline has put into the database was changed",
        "syncline untrack DATABASE",
        "remove all of it; then track it again",
    ),
    (
        Code::KeyNull,
        "a row without a key cannot be addressed, and several may be there",
        "give the row a key",
        WITHOUT_THE_TABLE,
    ),
    (
        Code::GuardEmptySource,
        "an empty source is more often a mistake than a wish",
        "--allow-empty-source",
        "if it is meant",
    ),
    (Code::GuardDeletes, "so many deletes are more often a mistake than a wish", "--max-delete N", "if they are meant"),
    (
        Code::GuardProtected,
        "the configuration protects it",
        "syncline plan copy|mirror SOURCE TARGET -o FILE",
        "make a plan, which can be applied",
    ),
    (
        Code::GuardSameTable,
        "both names lead to it, whatever path, link, address or user they name",
        "name another database as the target",
        "",
    ),
    (
        Code::RowRefused,
        "a constraint or type of the target does not take it",
        "mend the row in the source, or relax the constraint in the target, and run again",
        "",
    ),
    (
        Code::UniqueClash,
        "another row has the value and stays",
        "change or remove the other row in the target, or mirror if it should go",
        "",
    ),
    (
        Code::ForeignKeyBroken,
        "what it references is not there",
        "carry the referenced table too, or mend the row in the source",
        "",
    ),
    (Code::TableEntangled, "each can only be left out once another is", "mend the rows that are refused first", ""),
    (Code::RunLocked, "one run at a time writes to a target", "run the command again when the other run is done", ""),
    (Code::RunCancelled, "somebody asked it to stop", "run the command again", "it goes on from what is committed"),
    (Code::UndoStale, "others have changed what the run wrote", "put it back as the run left it, and undo again", ""),
    (
        Code::OutputFailed,
        "what it is written to does not take it",
        "check the disk or the program behind the output",
        "",
    ),
    (Code::StateFailed, "the state directory cannot be used", "--state-dir DIR", "keep Syncline's state elsewhere"),
    (Code::Internal, "this should not be possible", "report it with what the same command prints under -v", ""),
];

impl Code {
    /// Why it usually happens; `None` where every error says that itself.
    pub fn usual_why(self) -> Option<&'static str> {
        self.usual().map(|(_, why, _, _)| *why).filter(|why| !why.is_empty())
    }

    /// What usually helps, with the table it is about where that is known.
    pub fn usual_next(self, table: Option<&str>) -> Option<NextStep> {
        let (_, _, action, effect) = self.usual()?;
        let flag = table.filter(|_| effect.ends_with(LEAVE_OUT)).map(|table| format!(" with {}", without_table(table)));
        Some(NextStep { action: (*action).to_owned(), effect: format!("{effect}{}", flag.unwrap_or_default()) })
    }

    fn usual(self) -> Option<&'static Usual> {
        USUAL.iter().find(|(code, ..)| *code == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_usual_step() {
        for code in Code::ALL {
            assert!(code.usual_next(None).is_some_and(|step| !step.action.is_empty()), "{code}");
        }
        assert_eq!(USUAL.len(), Code::ALL.len());
    }
}
