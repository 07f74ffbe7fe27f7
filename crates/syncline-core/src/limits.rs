//! Every bound of the data path, in one place, each with its reason.

use std::time::Duration;

/// Rows in one batch, unless the user asks for another number. One batch is one transaction on the target: large enough
/// that the cost of a commit disappears, small enough that other writers of the target wait well under a second.
pub const BATCH_ROWS_DEFAULT: usize = 5_000;

/// Batches that are taken for one where all of them are in one transaction anyway. Their keys are held in memory, and of their rows
/// what streams hold.
pub const PAGES_IN_ONE: usize = 4;

/// The most rows a user may ask for in one batch; beyond it a batch no longer fits the memory bound.
pub const BATCH_ROWS_MAX: usize = 100_000;

/// A batch is closed when its cells pass this many bytes, so that wide rows do not multiply memory. One larger row still
/// travels, alone in its batch.
pub const BATCH_BYTES: usize = 4 << 20;

/// Bytes of before-images that are recorded while the next rows are being written. More are waited for: both would be in memory.
pub const IMAGES_AHEAD_BYTES: usize = 2 << 20;

/// Bytes of rows that were read to be compared and are kept to be written, so that they need not be read a second time: a fifth of
/// the memory that a command may take, and a hundred thousand short rows.
pub const KEPT_BYTES: usize = 20 << 20;

/// The longest row that is kept so: for longer ones the second look is little beside the reading.
pub const KEPT_ROW_BYTES: usize = 4 << 10;

/// Rows in one batch of a stream between a reader and its consumer, which is a smaller unit than a transaction.
pub const STREAM_ROWS: usize = 2_048;

/// Batches a reader may be ahead of its consumer: enough to keep both busy, few enough to bound memory.
pub const STREAM_AHEAD: usize = 2;

/// The most tables that are read side by side. Each has a reader on either side with memory of its own, and what a run may take
/// is divided among them.
pub const JOBS_MAX: usize = 8;

/// Tables that are read side by side unless the user asks for another number: on two cores more were not faster.
pub const JOBS_DEFAULT: usize = 1;

/// How often views that are to show the same are taken anew because somebody committed between them. Whoever commits without
/// pause would keep them apart for ever; one view of each side is enough to go on.
pub const VIEWS_ATTEMPTS: usize = 8;

/// How long a further view of the same instant waits for a lock: it can be done without, so not as long as anything else.
pub const TWIN_WAIT: Duration = Duration::from_millis(20);

/// Bytes a second below which a link counts as slow. Servers sum up some 60 to 100 million bytes of rows a second for those who are
/// far away; at a quarter of that the time is the link's, whatever else the servers do.
pub const SLOW_LINK_BYTES: u64 = 25 << 20;

/// Bytes of rows that are read to find out how fast a link is: enough that the beginning of a connection, which is slow on
/// any link, does not decide, and little of a table that is worth summing up.
pub const LINK_PROBE_BYTES: u64 = 4 << 20;

/// Bytes of a table up to which it is read whole over any link: the questions before the first sum would take as long.
pub const SUMMED_TABLE_BYTES: u64 = 1 << 20;

/// Bytes of rows between two borders of ranges that are summed up, on average. A border takes some 50 bytes, and a row that
/// differs costs about two such ranges: of a million rows of 250 bytes with a thousand changes all over them, that is 1.4 and
/// 3.2 percent.
pub const SUMMED_RANGE_BYTES: u64 = 4_000;

/// Ranges with differences that are remembered before they are read: a few megabytes, since a range has two keys. Then the
/// sums begin anew behind them.
pub const SUMMED_RANGES_KEPT: usize = 16_384;

/// Rows of a table without a key whose digests are sorted in memory, on each side: eight megabytes. What is more is sorted
/// in parts that wait in a temporary file.
pub const COPIES_IN_MEMORY: usize = 1 << 18;

/// Digests read at once from each such part while all are merged: small, because a huge table has many.
pub const COPIES_READ_AHEAD: usize = 512;

/// The highest rate that can be asked for, in rows a second: a hundred times what any engine reaches. Whoever types more
/// has meant something else.
pub const RATE_MAX: u64 = 1_000_000_000;

/// Parts of a second that a rate is paid in: small enough that work is spread over the second, large enough that a slow run
/// does not commit row by row.
pub const PACE_PARTS: u64 = 10;

/// The longest a pace waits without looking whether the run is to stop.
pub const PACE_NAP: Duration = Duration::from_millis(100);

/// Planned changes read from or written to the spool at once.
pub const SPOOL_PAGE: usize = 4_096;

/// Changes of one table up to which a plan holds every row. More than that nobody reads, and a plan is read again into
/// memory by its digests.
pub const PLAN_ROWS_MAX: u64 = 100_000;

/// Changes in one range of a longer plan: small enough that a person finds the rows that made it stale.
pub const PLAN_RANGE_CHANGES: usize = 10_000;

/// Deletes of a plan whose references are looked for at once: sixteen megabytes. What is more takes another pass over the
/// tables that may reference them.
pub const REFERENCED_IN_MEMORY: usize = 1 << 18;

/// Longest line of a plan that is read back. A row of that size could not have been shown to anyone.
pub const PLAN_LINE_BYTES_MAX: u64 = 1 << 30;

/// Rows of one table that one transaction leaves out because of references. Their keys are held in memory, and a table
/// that loses more than this is not a table with bad rows but one whose parent is missing.
pub const HELD_BY_REFERENCES_MAX: usize = 100_000;

/// Rows of one table that are remembered to be in the way of others in one transaction, because they have a unique value
/// that those are to get. Beyond it, what becomes possible once such a row is held is left to the next attempt or run.
pub const RIVALS_MAX: usize = 100_000;

/// Rows written together from which on it is asked at once in whose way a unique value is. Fewer are found sooner by halves.
pub const CLASHES_ASKED_FROM: usize = 64;

/// Times that rows of a table which were left out are let in again, because by then nothing kept them out. Each time the
/// transaction is begun anew; what comes free later still is left to the next run.
pub const SECOND_LOOKS_MAX: usize = 8;

/// Cells in each of the three parts of what is kept of a loaded table, to find the rows that were changed since: 36 kilobytes a
/// table, from which twelve hundred digests can be read, two for each row that was changed. Beyond that a table is hardly one
/// that a run has loaded and a person has mended.
pub const SKETCH_CELLS: usize = 512;

/// As [`SKETCH_CELLS`], for the smallest table.
pub const SKETCH_CELLS_LEAST: usize = 16;

/// Rows that pointed at nothing before a run, of which it keeps marks: a few megabytes in the state directory, and in
/// memory when the run is taken back. Of a foreign key with more, only their sum is kept.
pub const DANGLING_KEPT_MAX: usize = 100_000;

/// Times a transaction is begun anew because of rows that have to be left out of it. Each time leaves out at least one
/// more; rows that depend on each other in longer chains than this fail their table.
pub const HOLD_ROUNDS_MAX: usize = 32;

/// Rows named in an error message or a report where the full list would drown the reader.
pub const SAMPLE_ROWS: usize = 5;

/// Differences between two schemas that the error of a run names. `diff` lists them all.
pub const DIFFERENCES_NAMED: usize = 25;

/// Deletes in one table that are let through whatever their share: small tables change by large percentages.
pub const GUARD_DELETES_FEW: u64 = 20;

/// Share of a table, in percent, above which deletes stop the run.
pub const GUARD_DELETES_PERCENT: u64 = 10;

/// Deletes in all tables of a run together above which it stops.
pub const GUARD_DELETES_TOTAL: u64 = 10_000;

/// How long to wait for another program's lock before giving up. Long enough for an application's ordinary
/// transaction, short enough that a person still waits for the answer.
pub const LOCK_WAIT: Duration = Duration::from_secs(10);

/// How long to wait at a time for rows that others have locked, before all locks are let go and tried for again. A server
/// looks for a deadlock when somebody has waited for a second, and ends the one who waited: so it is never the application
/// that has to give way to us.
pub const ROW_LOCK_ATTEMPT: Duration = Duration::from_millis(400);

/// How often a transaction that collided with others is begun anew before its run ends: what they do at the same time
/// is over by then, unless it goes on for ever.
pub const COLLISIONS_MAX: u32 = 5;

/// The pause before the first of these attempts; before each further one it is longer by as much. It lets those go on who
/// were in the way, and is short beside the second that it took the server to see.
pub const COLLISION_PAUSE: Duration = Duration::from_millis(100);

/// How often it is asked whether others have written, where a proof has failed and the engine learns of writes late.
pub const WRITES_ASKED_MAX: u32 = 15;

/// The pause between two such questions: all of them take somewhat longer than the second for which a busy session of
/// PostgreSQL keeps its counts to itself.
pub const WRITES_PAUSE: Duration = Duration::from_millis(100);

/// How long to wait for a server to let us in, unless another time is asked for: a machine that is reached at all answers
/// within seconds, over whatever network.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait for a place at a server that lets no more sessions in: it counts those that have ended until it has
/// put them away, which it does behind their end, later the busier it is. Who is really not let in is told as soon.
pub const PLACE_WAIT: Duration = Duration::from_secs(2);

/// Sessions that a run has at once at a server of MySQL or MariaDB that it writes to, at least: for questions about the database,
/// for its right to write, for a view, and for rows and definitions. A login that may have fewer is of no use to it.
pub const MYSQL_TARGET_SESSIONS: u64 = 5;

/// The same where it only reads: for questions about the database, and for a view.
pub const MYSQL_SOURCE_SESSIONS: u64 = 2;

/// How often a place is asked for meanwhile.
pub const PLACE_POLL: Duration = Duration::from_millis(50);

/// The longest that may be asked for; who has waited so long would rather be told.
pub const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(600);

/// How long a connection may be quiet before its other end is asked for a sign of life.
pub const PEER_QUIET: Duration = Duration::from_secs(30);

/// How long what was sent may stay unconfirmed before the other end counts as dead. Longer than a busy server refuses to read
/// because it waits for a lock or a disk, and much shorter than the quarter of an hour that systems take by themselves.
pub const PEER_SILENCE: Duration = Duration::from_secs(120);

/// The largest file of passwords that is read: thousands of lines. What is larger is something else.
pub const PASSWORD_FILE_BYTES: u64 = 1 << 20;

/// Attempts at the claim of a database, and the pause between two. More than one, because another may hold it for the
/// moment in which it takes note of a run that died, or may just be giving it back.
pub const CLAIM_ATTEMPTS: u32 = 12;

/// See [`CLAIM_ATTEMPTS`].
pub const CLAIM_PAUSE: Duration = Duration::from_millis(10);

/// The most that is read of a claim's note, in bytes. Whoever may write to the database may have written it.
pub const CLAIM_NOTE_BYTES: u64 = 512;

/// Free space asked for beyond the estimated size of what will be written: indexes and journals take their share.
pub const DISK_MARGIN_PERCENT: u64 = 30;

/// Free space below which a write that failed is taken for a full disk: the index of a write-ahead log takes 32 KiB at once,
/// and file systems keep some blocks to themselves.
pub const DISK_FULL_BELOW: u64 = 64 << 10;

/// The largest SQLite file that is checked whole for damage when somebody asks how it is: read within a second from any
/// disk. Larger ones are checked by those who want to wait for it.
pub const CHECKED_BYTES_MAX: u64 = 64 << 20;

/// How long before-images are kept, and how many bytes of them.
pub const UNDO_KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Bytes of before-images kept in all; the oldest runs lose theirs first.
pub const UNDO_KEPT_BYTES: u64 = 1 << 30;

/// How long an entry of the ledger is kept once it is settled: as long as the run that settled it could be undone, which
/// would open it again. Entries that wait are kept for ever.
pub const SETTLED_KEPT_FOR: Duration = UNDO_KEPT_FOR;

/// Settled entries kept in all; the oldest go first. Each holds two rows, so a run that settles a million would otherwise
/// double the state directory for a week.
pub const SETTLED_KEPT_ROWS: u64 = 100_000;

/// Entries of the ledger read at once where their rows come along: few, because each holds up to two rows of any size.
pub const CONFLICT_PAGE: usize = 64;

/// Longest table or column name, in bytes, that is read from a database. Far above what engines need; a bound all the same.
pub const NAME_BYTES_MAX: usize = 64 << 10;

/// Bytes of rows that are kept while they are on their way into an empty table, to be sent again when one of them is refused.
/// At eight times this, loads were not measurably faster.
pub const LOAD_KEPT_BYTES: usize = 8 << 20;

/// As [`LOAD_KEPT_BYTES`], for MySQL, where they are one file of each session. A server is asked between two files for less than a
/// millisecond of the fifty that one takes; with more no load was measurably faster.
pub const LOAD_FILE_BYTES: usize = 3 << 20;

/// The largest batch that goes there beside others, of which one may be in each file, one waits and one is made ready: an ordinary
/// one, with a row of a megabyte at its end.
pub const LOAD_PART_BYTES: usize = BATCH_BYTES + (1 << 20);

/// Bytes that go to a server of MySQL in one packet. The driver keeps the buffers of 128 packets, and goes through all of them in turn;
/// larger ones were not faster.
pub const LOAD_PACKET_BYTES: usize = 32 << 10;

/// The most sessions that load one table at once. Each costs memory here and a connection there, and what the server gains by more
/// was not measured.
pub const LOAD_SESSIONS_MAX: usize = 4;

/// Bytes of rows of one key that are taken out of a table which was created, when the target takes keys for equal that the
/// source tells apart. With more it is another key that is wanted, not a list of rows.
pub const DOUBLES_BYTES_MAX: usize = 16 << 20;

/// Bytes of rows that are sent to a server in one message: larger ones were not faster, and a connection keeps some of them.
pub const COPY_CHUNK_BYTES: usize = 128 << 10;

/// Bytes of a stored value from which on its true size is asked for before it is read; a compressed value of less is at most
/// some hundred kilobytes.
pub const MEASURED_BYTES: usize = 1_000;

/// Bytes of a database copied in one step of a backup or a restore. Between two steps it is looked whether to stop; small
/// enough that this takes a fraction of a second, large enough that the looks cost nothing.
pub const BACKUP_STEP_BYTES: u64 = 1 << 20;

/// Bytes of rows in one statement of a backup that is a script, but for one row that is larger: as much as the servers' own
/// programs write, far below what a server takes at once.
pub const BACKUP_INSERT_BYTES: usize = 1_000_000;

/// How often it is looked whether to stop while a server's own program, or a server, is at work and says nothing.
pub const TOOL_POLL: Duration = Duration::from_millis(500);

/// Bytes that are kept of what a server's own program has to say about a failure: its last words, which say why.
pub const TOOL_WORDS_BYTES: usize = 4 << 10;

/// Bytes of the words behind the end of a backup that say what it is and by which sum it is checked.
pub const BACKUP_TRAILER_BYTES: usize = 8 << 10;

/// Characters of one of these words: a version, the name of a database. All of them fit the trailer, in any script.
pub const BACKUP_FACT_CHARS: usize = 200;

/// Bytes of a backup that are definitions and no rows, as SQL. They are sent in one piece, so they are held in memory.
pub const BACKUP_DEFINITIONS_BYTES: usize = 256 << 20;

/// Bytes of one statement among the rows of a backup. The longest names a table of PostgreSQL with its 1,600 columns, or
/// holds a piece of a large object.
pub const BACKUP_STATEMENT_BYTES: usize = 1 << 20;

/// Bytes of a backup of MySQL or MariaDB that make views, routines, triggers and events, with the settings around them. They
/// are held in memory until they are written down: ten thousand of them with a page of text each fit.
pub const RESTORE_OBJECTS_BYTES: usize = 64 << 20;

/// What a statement of a script leaves of the largest packet: for the head of the packet, and for an event that is made as one that does
/// nothing, which takes a few letters more.
pub const RESTORE_STATEMENT_MARGIN: usize = 1 << 10;

/// How often it is looked whether a `RENAME TABLE` of ours stands in line. Others wait for us meanwhile.
pub const RESTORE_QUEUE_POLL: Duration = Duration::from_millis(2);

/// How long entries of a change log are kept for a reader that does not come: as long as a laptop may be away. Then it is given up,
/// so that logs do not grow for somebody who will never come again; should it come, it compares once.
pub const LOG_KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Entries of a change log that are kept for a reader that does not come: a few gigabytes. To compare is faster then than to look
/// up so many rows.
pub const LOG_KEPT_ENTRIES: i64 = 10_000_000;

/// Unread entries of which `status` warns: half of what is kept.
pub const LOG_ALARM_ENTRIES: u64 = LOG_KEPT_ENTRIES.unsigned_abs() / 2;

/// For how long an entry may be unread before `status` warns of it: half of the time that it is kept.
pub const LOG_ALARM_AFTER: Duration = Duration::from_secs(LOG_KEPT_FOR.as_secs() / 2);

/// By how much rows are read again whose cursor column holds times, unless it is said otherwise: longer than the transactions
/// of most applications take.
pub const CURSOR_OVERLAP_MILLIS: i64 = 10 * 60 * 1_000;

/// The same where it holds numbers: more than most applications give out while one of their transactions is open.
pub const CURSOR_OVERLAP_NUMBERS: i64 = 1_000;

/// Entries of a change log that are removed in one transaction once nobody needs them: some ten milliseconds, for which an
/// application may wait.
pub const LOG_PURGED_AT_ONCE: i64 = 10_000;

/// Sessions of a server whose view has ended, kept for the next view: one run has one view of a database at a time, and a second
/// one for moments.
pub const IDLE_SESSIONS: usize = 2;

/// Entries of a change log that a position names one by one, in an engine that puts them in an order behind the writers: what
/// comes in the moment between that and a view. Some kilobytes, which are kept for each table.
pub const LOG_ENTRIES_NAMED: usize = 256;

/// How soon a run that follows its source looks whether something is new, after something was. Looking takes well below a
/// millisecond.
pub const FOLLOW_PAUSE: Duration = Duration::from_millis(1);

/// How long it waits between two looks when nothing has been new for long: what comes then is late by half of that.
pub const FOLLOW_PAUSE_MAX: Duration = Duration::from_millis(50);

/// How often it goes through its tables though nothing seems to be new: rows that are held are tried again, new tables found.
pub const FOLLOW_ROUND: Duration = Duration::from_secs(10);

/// How often it tells the source how far it has come, so that its logs stay short.
pub const FOLLOW_TOLD_EVERY: Duration = Duration::from_secs(5);

/// How long one that has written something goes on under one name, so that what `undo` takes back has a bound.
pub const FOLLOW_RUN_FOR: Duration = Duration::from_secs(60 * 60);

/// How long it waits after a database was lost before it asks for it again.
pub const FOLLOW_AGAIN: Duration = Duration::from_millis(500);

/// As long it waits at most, after having doubled the time with every attempt in vain.
pub const FOLLOW_AGAIN_MAX: Duration = Duration::from_secs(10);

/// Attempts at a place of its own for an unfinished backup, when others who remove what is left of dead ones take it for
/// one before it is locked. Each takes a race of microseconds to lose.
pub const DRAFT_ATTEMPTS: u32 = 100;

/// How often the backup before a restore is taken anew because other programs wrote to the database meanwhile. Beyond it
/// they are at work in earnest, and replacing what they write is not what anybody wants.
pub const SAFETY_BACKUP_ATTEMPTS: u32 = 3;

/// Names tried for a backup when others have taken the first ones, all within the same millisecond.
pub const BACKUP_NAMES: u32 = 100;

/// Longest part of a database's name that goes into the name of its backup, in bytes: file names end at 255.
pub const BACKUP_STEM_BYTES: usize = 150;

/// Longest text of a filter, in bytes. People write lines; a program that lists keys should copy a table of them instead.
pub const FILTER_BYTES_MAX: usize = 64 << 10;

/// How deep parentheses and NOT may be nested in a filter: the parser, and all that walks what it made, calls itself once
/// for each level, and no hostile text may exhaust the stack.
pub const FILTER_DEPTH_MAX: usize = 64;

/// Conditions and listed values in one filter. Engines bound the size of an expression too, and each row pays for it.
pub const FILTER_NODES_MAX: usize = 4_096;

/// Longest pattern of LIKE and ILIKE in a filter, in bytes: engines bound theirs, and escaping makes some characters three.
pub const FILTER_PATTERN_BYTES_MAX: usize = 8 << 10;

/// Longest interval in a filter, in seconds: a thousand years, which keeps every instant within what dates can hold.
pub const FILTER_INTERVAL_MAX: i64 = 1_000 * 366 * 24 * 60 * 60;

/// Rules of one kind (`--where`, `--columns`, `--rename`, `--mask`) in one request. Checks compare them with each other.
pub const MAPPING_RULES_MAX: usize = 4_096;

/// Characters or bytes of a value that `fake` exchanges at once: far more than values that people mask are long, so those
/// are exchanged as a whole, and little enough that a mask's memory does not grow with the value.
pub const MASK_CHUNK: usize = 4_096;

/// The longest row that is taken from or given to a PostgreSQL server, in bytes: its own bound for anything it holds in one
/// piece. Only what has really arrived takes memory.
pub const COPY_ROW_BYTES_MAX: usize = 1 << 30;

/// The longest extension of the header of a binary COPY that is skipped, in bytes. No server sends any.
pub const COPY_EXTENSION_BYTES_MAX: usize = 64 << 10;

/// Longest name that PostgreSQL takes, in bytes, as it is built by everybody. It cuts longer ones off without a refusal.
pub const POSTGRES_NAME_BYTES_MAX: usize = 63;

/// Characters in a name that MySQL and MariaDB take.
pub const MYSQL_NAME_CHARS_MAX: usize = 64;
/// Bytes of a table that nobody wants any more which are read all the same before its server is asked to stop: of a small
/// table or the end of a large one so much is on its way already.
pub const COPY_DRAINED_BYTES: usize = 1 << 20;

/// The longest that this is waited for: the first row of a sorted table may take its time.
pub const COPY_DRAINED_WITHIN: Duration = Duration::from_millis(50);

/// Keys that are looked up on a server at once: enough that the way there and back does not count.
pub const LOOKUP_KEYS: usize = 2_048;

/// Bytes of keys that are looked up at once; they travel in the text of a statement.
pub const LOOKUP_BYTES: usize = 1 << 20;

/// Different values of one column of which is remembered, for the rest of a run, that the target refuses them: a few megabytes.
/// Rows with any others are held, as they are without a choice.
pub const REFUSED_VALUES_MAX: usize = 10_000;

/// Characters of what a database says about such a value that are kept: it may repeat the value, however long that is.
pub const REFUSED_WORDS_CHARS: usize = 200;

/// Bytes of a configuration that are read: a thousand connections fit. Nobody writes more by hand, and what is
/// larger is some other file.
pub const CONFIG_BYTES_MAX: u64 = 256 << 10;

/// Things wrong with a configuration that are listed; a file of another kind would have one for each of its lines.
pub const CONFIG_PROBLEMS_MAX: usize = 100;

/// Longest name of a connection, in characters. It stands in commands, tables and messages.
pub const CONNECTION_NAME_CHARS_MAX: usize = 64;

/// Longest url of a connection, in bytes, before and after its secrets are put in.
pub const CONNECTION_URL_BYTES_MAX: usize = 64 << 10;

/// Bytes of one secret, and of the .env file that variables are looked for in: certificates and tokens are far smaller.
pub const SECRET_BYTES_MAX: usize = 64 << 10;

/// How long the command that gives a secret may take: long enough for a person to unlock a store of passwords, and a scheduled
/// run still ends by itself.
pub const SECRET_COMMAND_WITHIN: Duration = Duration::from_secs(60);

/// How often a command that gives a secret is looked at once it has closed its output; most have ended by then.
pub const SECRET_COMMAND_POLL: Duration = Duration::from_millis(5);

/// Bytes of the synchronization log before a new one is begun: some fifty thousand lines.
pub const SYNC_LOG_BYTES: u64 = 10 << 20;

/// Synchronization logs that are kept beside the present one.
pub const SYNC_LOGS_KEPT: u32 = 5;
