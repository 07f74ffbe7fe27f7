//! Every error code with its exit class and the paragraph that `syncline explain` prints. A catalogue: it may be long.

use std::fmt;

macro_rules! catalogue {
    ($($variant:ident $name:literal exits $exit:literal : $text:literal)*) => {
        /// A stable error code. The exit codes are those of the command line's contract.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $text] $variant,)*
            /// A broken invariant of Syncline itself.
            #[default]
            Internal,
        }

        impl Code {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)* Code::Internal];

            /// The name scripts match on, such as `STORE_MISSING`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* Code::Internal => "INTERNAL" }
            }

            /// The exit code of a command that ends with this error.
            pub fn exit(self) -> u8 {
                match self { $(Code::$variant => $exit,)* Code::Internal => 1 }
            }

            /// What the code means, why it happens and what to do about it.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Code::$variant => $text,)*
                    Code::Internal => "Syncline met a state it holds to be impossible and stopped before writing anything on that ground. \
                        Nothing is acknowledged that is not durable, so running the command again is safe. Please report it with the output of the same command under -v.",
                }
            }
        }
    };
}

catalogue! {
    UsageInvalid "USAGE_INVALID" exits 2: "A flag or argument does not make sense as given. The message names it; nothing was opened or written."
    UrlInvalid "URL_INVALID" exits 2: "The name of a database could not be understood. Accepted are `sqlite:path`, `file:path`, a bare path that ends in .db, .sqlite or .sqlite3, a path to an existing SQLite file, `postgres://user@host:port/database`, `env:NAME` for a variable that holds one of these, and the name of a connection of the configuration."
    UrlOption "URL_OPTION" exits 2: "The URL of a database carries an option that is not on the list of allowed ones. Options can change what a driver reads or writes, so only known ones are let through; the message lists them."
    ConnectionUnknown "CONNECTION_UNKNOWN" exits 2: "No connection of that name is in the configuration that is in force, and no file has the name either. `syncline conn list` shows the connections there are and `syncline config path` the files that were read: the syncline.toml found upward from the working directory, or the one named with --config or SYNCLINE_CONFIG, and the user's own. A file is named as sqlite:PATH whatever its name is."
    ConnectionAmbiguous "CONNECTION_AMBIGUOUS" exits 2: "The name is that of a connection and that of a file in the working directory too, and the two may be different databases. Nothing was opened. Write connection:NAME for the connection or sqlite:NAME for the file."
    ConnectionExists "CONNECTION_EXISTS" exits 2: "A connection of that name is in the file already, and adding one never replaces another. Nothing was changed. `syncline conn edit` changes it, `syncline conn rm` takes it away."
    ConnectionInvalid "CONNECTION_INVALID" exits 2: "The name or the url of a connection cannot be used. A name is 1 to 64 letters, digits, '-', '_' and '.' of ASCII, begins with a letter or a digit, and does not end like the file of a database (.db, .sqlite, .sqlite3). A url names a database as the command line does, save that it is neither env:NAME nor another connection; ${env:NAME}, ${file:PATH}, ${cmd:COMMAND} and ${keyring:NAME} may stand in it, and $${ stands for ${ itself."
    ConfigInvalid "CONFIG_INVALID" exits 2: "The configuration cannot be understood: it is no TOML, or holds a key that is not known, a value of the wrong kind, or the name of a connection that cannot be used. The message names the file, the line and the column; `syncline config validate` lists everything that is wrong, and `syncline config schema` prints what a file may hold. Nothing was opened or written."
    ConfigUntrusted "CONFIG_UNTRUSTED" exits 2: "The configuration was found and not used, because somebody else than the user may have written it: it could lead to another database, or send secrets to one. A file that is found by itself, and a .env beside it, must belong to the user or to root and may not be writable for everybody; one with ${cmd:…} or ${keyring:…} may not be writable for a group either, however it was found. Take the rights away, or name the file with --config."
    ConfigFailed "CONFIG_FAILED" exits 2: "A file of the configuration cannot be read or written: it is missing although it was named, is no ordinary file, is larger than such files are, or the system does not let it be read or written. What was there before is unchanged."
    ConfigExists "CONFIG_EXISTS" exits 2: "`syncline init` makes a new file and never overwrites one. Nothing was changed. `syncline conn add` adds a connection to the file that is there."
    SecretFailed "SECRET_FAILED" exits 2: "A secret that the url of a connection asks for could not be had: the variable is unset, the file is missing or too large, the command failed, took too long or wrote too much, or the keyring has no such entry. What it wrote is not shown. Nothing was opened."
    NotADatabase "NOT_A_DATABASE" exits 2: "The named file exists but is no SQLite database: it is a directory, a device, or a file with other content. An encrypted database looks the same from outside. For a restore it means that the file is no backup of the target's engine. The file was not changed."
    TableNotFound "TABLE_NOT_FOUND" exits 2: "A table named with --tables or by a rule of a mapping is not in the source. Names are matched without regard to case; use a pattern such as 'app_*' to select several, or leave the flag away to take all tables."
    ColumnNotFound "COLUMN_NOT_FOUND" exits 2: "A column named with --where, --columns, --rename, --mask or --cursor is not in the source's table. Names are matched without regard to case; put a name in double quotes when it holds a dot, a colon, a comma, an equals sign or a space. Nothing was written."
    FilterInvalid "FILTER_INVALID" exits 2: "A filter given with --where cannot be used. It may not be understood, and the message names the place and what was expected there; it may name a column that is masked or left out, by which the target could not be bounded; or it compares a column with a value that the column can never hold. Filters are comparisons, IN, BETWEEN, LIKE, ILIKE, IS NULL, AND, OR, NOT and now() with an interval; anything else is refused. Text is compared byte by byte whatever the column's collation, LIKE heeds case, ILIKE disregards that of ASCII letters. Nothing was written."
    ColumnsInvalid "COLUMNS_INVALID" exits 2: "A list of columns given with --columns cannot be used: it may not be understood, name a column twice, leave out a column of the table's key, or leave nothing to carry. Write 'customers: id, name' for the columns to carry or 'customers: !ssn' for those to leave out. Nothing was written."
    RenameInvalid "RENAME_INVALID" exits 2: "A name given with --rename cannot be used: it may not be understood, rename the same thing twice, give two things one name, take the name of something else that is carried, or rename what another rename makes. Write 'users=members' for a table and 'orders.total_cents=total' for a column. Nothing was written."
    MisfitInvalid "MISFIT_INVALID" exits 2: "A choice given with --misfit cannot be used: it may not be understood, fall on a column of the key or on a masked one, ask for NULL where the target allows none, or for text where the target's column takes none. Write 'orders.total=clamp'; the choices are hold, null, clamp and text. Nothing was written."
    CursorInvalid "CURSOR_INVALID" exits 2: "A column given with --cursor cannot be used: the rule may not be understood, there may be two for one table, or the column holds neither times nor numbers. Write 'orders: updated_at', or 'orders: updated_at, overlap 30m' to say by how much rows are read again; of a column of numbers 'overlap 1000' does. Nothing was written."
    MaskInvalid "MASK_INVALID" exits 2: "A mask given with --mask cannot be used: it may not be understood, fall on a column of the key, give many rows one value in a unique column, give a value of another type than the column holds, or break a reference because its two ends are masked differently. Write 'customers.email=fake'; the masks are fake, hash, last4, null and text:V. Nothing was written."
    NotATable "NOT_A_TABLE" exits 2: "The name given with --tables or by a rule of a mapping is a view, a virtual table or a shadow table. Syncline carries ordinary tables; views, triggers and virtual tables are reported and left as they are."
    NoTables "NO_TABLES" exits 2: "There is nothing to compare or carry: the source has no ordinary table that the selection matches, or, for diff and --no-create, the two databases have no table in common."
    RunNotFound "RUN_NOT_FOUND" exits 2: "No run with that identifier is recorded in the state directory. `syncline runs list` shows those that are; another --state-dir may hold it."
    ConflictNotFound "CONFLICT_NOT_FOUND" exits 2: "No held row with that identifier is in the ledger. Rows that wait keep their entry for as long as they wait; entries that were settled go after some days. `syncline conflicts list --all` shows those that are there; another --state-dir may hold the one you mean."
    ConflictStale "CONFLICT_STALE" exits 6: "The held rows were to be written to a database in whose place there is another one now: the file was replaced, or moved away and made anew. Nothing was changed. Put the database back, or run the copy or mirror again, which compares with what is there now and settles what no longer differs."
    NothingToUndo "NOTHING_TO_UNDO" exits 2: "No run in the state directory has changes that could be undone: none was made, all are undone already, or it was run with --no-undo."
    ConfirmationNeeded "CONFIRMATION_NEEDED" exits 2: "The command asks before it changes something, and there is no terminal to ask on. Pass --yes to agree beforehand. --yes answers questions; it opens no guard."
    PlanInvalid "PLAN_INVALID" exits 2: "The file is no plan that can be carried out: it was cut off, changed since it was made, made by another version, or never was one. Nothing was changed. Make the plan anew with `syncline plan … -o FILE`."
    PlanStale "PLAN_STALE" exits 6: "Something that the plan holds is no longer to be done just so: a row it names was changed in the source or the target, a row has come to reference one that it deletes, a table was altered or is gone, or another database has taken the place of one of the two. Nothing more was changed; what an apply that was cut off had written stays, and can be undone. A plan that was begun or carried out with another state directory is stale, too. Make the plan anew and look at it again."
    PlanSpent "PLAN_SPENT" exits 6: "The plan was carried out before, to its end. What it would do now nobody has looked at. Nothing was changed. Make the plan anew."
    StoreMissing "STORE_MISSING" exits 5: "The database does not exist. A source, and both sides of diff and verify, must exist; copy and mirror create a missing target file, unless --no-create is given, but not a missing directory."
    StoreLocked "STORE_LOCKED" exits 5: "Another program holds a lock on the database and did not let go of it within the waiting time. Nothing that was not already committed was written. Run the command again once the other program is done."
    StoreReadOnly "STORE_READ_ONLY" exits 4: "The target cannot be written: the file, its directory or the file system is read-only for this user. Nothing was written."
    StoreDenied "STORE_DENIED" exits 4: "The operating system refused access to the database file. Nothing was written."
    StoreUnreachable "STORE_UNREACHABLE" exits 5: "The server of the database could not be reached, or it takes no connections at the moment: its name is not known, nobody listens there, it did not answer in time, it is starting or stopping, or has as many connections as it allows. Nothing was changed. Check host and port, and that the server runs and its network lets this machine through."
    ConnectionLost "CONNECTION_LOST" exits 5: "The connection to the server ended in the middle of the work: the server was stopped or restarted, somebody ended the connection there, or the network failed. What was committed is kept, and the batch being written was rolled back. Run the command again: it goes on from there."
    LoginFailed "LOGIN_FAILED" exits 4: "The server did not let us in: the password is wrong or missing, there is no such role, or the server's pg_hba.conf does not allow this user to reach this database from here. Nothing was changed. A password is taken from the URL, from PGPASSWORD, or from ~/.pgpass; it is never kept, so a run that is resumed needs one of the latter."
    TlsFailed "TLS_FAILED" exits 5: "No encrypted connection to the server could be agreed on that is as safe as was asked for: the server has no TLS, or insists on it; its certificate is not vouched for by a trusted authority, or was made for another name. Off this machine sslmode is verify-full unless the URL says otherwise. Whoever can change what travels on the network can make a server look as if it had no TLS, so weaken sslmode only where you trust the way. sslrootcert=FILE names the authorities to trust."
    PermissionDenied "PERMISSION_DENIED" exits 4: "The user that we logged in as may not do this in the database. The message has the server's own words. What was committed is kept, and the batch being written was rolled back. A run that may do nothing with any of its tables ends with this too, and nothing was changed then. Grant the right (syncline doctor DB --grants prints what it takes), or log in as another user."
    TableDenied "TABLE_DENIED" exits 3: "The user that we logged in as may not read this table, or may not write to it: the right is missing, a policy would hide rows from this user, or the table has triggers that this user may not switch off. The message has the server's own words. The table is left as it is while the others are carried. Grant the right, or log in as another user."
    StoreTooOld "STORE_TOO_OLD" exits 5: "The server is of a version older than those Syncline is made for and tested with. PostgreSQL must be of version 13 or newer. Nothing was changed."
    StatementCancelled "STATEMENT_CANCELLED" exits 1: "The server ended a statement before it was done, because somebody asked it to or because of a time limit that was set there. What was committed is kept, and the batch being written was rolled back. Run the command again: it goes on from there."
    StoreCorrupt "STORE_CORRUPT" exits 1: "SQLite found the file damaged while reading it, or a backup is not any more what was written. Nothing is carried from a damaged database, because rows could be missing without a trace. Check it with `PRAGMA integrity_check`, recover it with `.recover` in the sqlite3 shell, or restore a backup."
    ValueTooLarge "VALUE_TOO_LARGE" exits 1: "A value is larger than what may be held in memory while several tables are read side by side. Syncline then reads that table by itself, so this is met only by programs that open views of their own through the library. Nothing was changed."
    DiskFull "DISK_FULL" exits 1: "There is not enough room on the disk that holds the target or the state directory. The batch being written was rolled back. Free some space and run the command again: it goes on from what is committed."
    BackupExists "BACKUP_EXISTS" exits 2: "The file that the backup was to be written to exists already. A backup never overwrites anything, neither another backup nor a database. Choose another name with -o, or leave -o away: then the backup gets a name of its own in the backup root."
    RestoreRefused "RESTORE_REFUSED" exits 6: "The backup is sound, but the engine cannot put its content into this database as it is set up. The message says what is in the way, in the words of a server where it was one that refused: a role or an extension that it lacks, for example. Nothing was changed."
    ToolMissing "TOOL_MISSING" exits 2: "A backup or a restore of a server's database is done by the engine's own program: pg_dump and pg_restore for PostgreSQL, mariadb-dump for MariaDB, mysqldump for MySQL. That program is not on the PATH, or is older than the server or than the backup, or is of the other product. Nothing was changed. Install the package that the message names (on Debian and Ubuntu: postgresql-client, or postgresql-client-N for version N; mariadb-client; mysql-client)."
    StoreFailed "STORE_FAILED" exits 1: "The database reported an error that fits no other code. The message carries its own words. The batch being written was rolled back."
    SchemaColumnMissing "SCHEMA_COLUMN_MISSING" exits 6: "The source's table has a column that the target's table has not, so its values would have nowhere to go. The run stops before anything is written, and names all other differences that stop it. --schema add adds the column, --schema ignore leaves it out; if it has a new name in the target, --rename says so."
    SchemaColumnExtra "SCHEMA_COLUMN_EXTRA" exits 6: "The target's table has a column that the source's table has not, so Syncline cannot know what its values should be. The run stops before anything is written, and names all other differences that stop it. --schema ignore leaves the column as it is; if it is one of the source's under a new name, --rename says so."
    SchemaColumnRequired "SCHEMA_COLUMN_REQUIRED" exits 6: "A column that --columns or --schema ignore leaves out must have a value in the target: it is NOT NULL there and has no default, so no row could be added. The run stops before anything is written. Carry the column, or give it a default in the target."
    SchemaTypeDiffers "SCHEMA_TYPE_DIFFERS" exits 6: "A column is declared so differently on the two sides that the target would change values while storing them, for example text that looks like a number. The run stops before anything is written."
    SchemaKeyDiffers "SCHEMA_KEY_DIFFERS" exits 6: "The two tables identify rows by different columns, so rows cannot be matched. The run stops before anything is written."
    SchemaNotAdded "SCHEMA_NOT_ADDED" exits 6: "The target refused a column that --schema add was to add, most often because a row that is there breaks the column's condition. All columns are added in one transaction before the first row, so nothing was changed. Mend the row, or add the column by hand."
    TargetChanged "TARGET_CHANGED" exits 3: "A table that was empty in the target when the run was decided got rows from another program before it could be loaded. It is left as it is; the next run compares it."
    TableNotCreated "TABLE_NOT_CREATED" exits 3: "A table of the source could not be created in the target, or one of its indexes could not: a name may be too long there (PostgreSQL takes 63 bytes, MySQL 64 characters) or be taken by a view or another table's index, or its definition may need a function, type or collation that is not there. The table is left out; the others are carried."
    TableNameShared "TABLE_NAME_SHARED" exits 3: "Two tables of the source would share one table of the target, or two columns of a table one column, because the case of letters makes no other name there: PostgreSQL can have both \"T\" and t, SQLite cannot. A table of the target takes the rows of one table only, of the one that is spelled just like it; where there is none, nobody can tell which is meant. The table is left as it is while the others are carried. Give one of the two another name in the target with --rename."
    TableRebuilt "TABLE_REBUILT" exits 3: "A table of a PostgreSQL database was emptied by TRUNCATE, or rebuilt by VACUUM FULL, CLUSTER or ALTER TABLE, after Syncline had begun to look at the database and before it read the table. PostgreSQL then shows other rows than there were, or none, also to those who began earlier, so nothing that it shows now is trusted. The table is left as it is while the others are carried; run the command again."
    TextUnreadable "TEXT_UNREADABLE" exits 3: "The server cannot send a text of this table as UTF-8, the one encoding in which text is read: its bytes are none. A database whose encoding is SQL_ASCII takes any bytes for text, and other encodings have characters that UTF-8 knows nothing of. The table is left as it is while the others are carried. `SET client_encoding = 'SQL_ASCII'` in psql shows the text as it is. Where it was meant as LATIN1, UPDATE t SET c = convert_from(convert(convert_to(c, 'SQL_ASCII'), 'LATIN1', 'UTF8'), 'SQL_ASCII') makes it UTF-8 in such a database; or move the database to one with the encoding UTF8."
    TableNoKey "TABLE_NO_KEY" exits 3: "The table has neither a primary key nor a unique key over NOT NULL columns, and its columns are called rowid, _rowid_ and oid, so that no name is left for its row numbers either: one of several equal rows could not be found. It is left untouched while the other tables are carried. Add a key, rename one of these columns, or leave the table out with --tables."
    TableNoTransactions "TABLE_NO_TRANSACTIONS" exits 3: "The target keeps this table with an engine that has no transactions, such as MyISAM, Aria or MEMORY: what had been written to it could not be taken back, and nobody would know how far a run had come that was cut off. Only tables of InnoDB are written to; those of other engines can be read. The table is left as it is while the others are carried. `ALTER TABLE … ENGINE = InnoDB` in the target changes it."
    NotTracked "NOT_TRACKED" exits 2: "The run was to go by the change log of the source, and change tracking is not installed there. Nothing was changed. `syncline track SOURCE` installs it: triggers and tables whose names begin with _syncline_, which `syncline untrack SOURCE` takes away again without a trace. Or leave --strategy incremental away, and both sides are compared."
    TableNotTracked "TABLE_NOT_TRACKED" exits 3: "The changes of this table cannot be logged: it has no key by which a log could say which row was touched, it is kept by an engine without transactions, or its triggers could not be run. The other tables are tracked. A run compares the table as a whole."
    TrackingBroken "TRACKING_BROKEN" exits 1: "What Syncline keeps of change tracking in the database is not what it has put there: a table whose name begins with _syncline_ was changed by hand, or a newer Syncline has installed it. `syncline untrack` removes all of it, after which `syncline track` installs it anew; the next run then compares every table once."
    KeyNull "KEY_NULL" exits 3: "A row has NULL in a key column. SQLite allows that in a PRIMARY KEY that is not declared NOT NULL, but such a row cannot be addressed, and several may exist. The table is left as it is while the others are carried. Give the row a key, then run again."
    GuardEmptySource "GUARD_EMPTY_SOURCE" exits 6: "A source table is empty while the target's is not, which is far more often a mistake than a wish. Nothing was changed. If it is meant, pass --allow-empty-source, and --max-delete for the rows to go."
    GuardDeletes "GUARD_DELETES" exits 6: "The run would delete more rows than the guard allows: above 20 rows and 10 % of a table, or above 10,000 rows in all. Nothing was changed. If it is meant, raise the limit for this run with --max-delete N (rows in all) or --max-delete P% (of each table). --yes does not open this guard."
    GuardProtected "GUARD_PROTECTED" exits 6: "The database is protected: the configuration says `protected = true` of a connection that leads to it, and such a database takes plans only. Nothing was opened for writing. Make a plan with `syncline plan … -o FILE`, look at it, and carry it out with `syncline apply FILE`. Undo, restore, resumed runs and retries of held rows are refused as well, unless a run resumed is the apply of a plan. A database counts as protected under any name that can be told to lead to it without running a command. --yes does not open this guard; `syncline conn edit NAME --protected no` takes the protection away."
    GuardSameTable "GUARD_SAME_TABLE" exits 6: "Source and target are the same database, whatever the two names look like: links, relative paths and file: forms are followed, and a server says itself which database it is, whatever address or user leads there. A table cannot be mirrored onto itself. Two schemas of one PostgreSQL database count as one database too, because held rows, before-images, locks and the proof afterwards are kept for a database and not for a schema: copy the tables into a file first, and from there into the other schema. Nothing was changed."
    RowRefused "ROW_REFUSED" exits 3: "The target refused a row, for example because of a CHECK or NOT NULL constraint, or because the value has not the type that the column insists on; the message has its own words, and names the row. In a copy or mirror such a row is held and its neighbours are written: see `syncline conflicts list`. In an undo, which holds nothing, the batch with that row was rolled back and the rest of that table left; other tables are carried."
    UniqueClash "UNIQUE_CLASH" exits 3: "A row would take a unique value that another row of the target has, and that other row is not part of what is carried, so it will not give it up. In a copy or mirror such a row is held and its neighbours are written: see `syncline conflicts list`. In an undo, which holds nothing, the batch was rolled back and the rest of that table left; other tables are carried. Change or remove the row in the target, or mirror instead of copying if it should go."
    ForeignKeyBroken "FOREIGN_KEY_BROKEN" exits 3: "A change would leave a row whose foreign key points at nothing. Single rows of this kind are held by a copy or mirror, as `syncline conflicts list` shows, and left and named by an undo; this is said where the referenced table itself is missing, where too many rows are concerned, or where an undo would empty or drop a table that others reference by now. The batch was rolled back and the rest of that table left; other tables are carried. For a run, carry the referenced table too, or mend the row in the source; for an undo, delete the rows that reference the table or point them elsewhere, and undo the same run again."
    TableEntangled "TABLE_ENTANGLED" exits 3: "Rows that cannot be written hold up others, and those others again, in a chain longer than is followed. Mend the rows that are refused first. The table is left as it is while the others are carried."
    RunLocked "RUN_LOCKED" exits 8: "Another run is writing to the same target, perhaps one of another user or another state directory, or the run to be undone is still at work; the message names it. Nothing was changed. The operating system holds the lock, so it is freed even if that run is killed. Wait for it; `syncline runs list` shows the runs of your own state directory."
    RunCancelled "RUN_CANCELLED" exits 130: "The run was interrupted. What it had committed is kept; the next run of the same pair goes on from there."
    UndoStale "UNDO_STALE" exits 6: "Rows the run wrote were changed since, so taking the run back would lose those later changes. What could not be taken back is left as it is."
    OutputFailed "OUTPUT_FAILED" exits 1: "What the command has to say could not be written to its output, for example because the disk under a redirected file is full. What the command did before is done and kept."
    StateFailed "STATE_FAILED" exits 1: "The state directory, which holds runs and before-images, could not be read or written. Evidence is written ahead of every change, so without it nothing is changed. Choose another one with --state-dir."
}

impl Code {
    /// The code with this name, in any case.
    pub fn from_name(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn every_code_is_found_by_its_name_and_explained() {
        for code in Code::ALL {
            assert_eq!(Code::from_name(&code.name().to_lowercase()), Some(*code));
            assert!(code.explanation().len() > 60, "{code} is hardly explained");
        }
    }
}
