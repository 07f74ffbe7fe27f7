//! What stands beside Syncline: pipelines of the engines' own tools, and others that do the same work.
//!
//! Each is a script for `bash`, with the places it works on in variables: `FILE` and `READY` hold the rows as SQLite file
//! and as CSV, `SOURCE` is the database that holds them, `TARGET` is where to write or what to compare with, and
//! `CREATE` makes the table where there is none yet.

use std::path::Path;
use std::process::Command;

use crate::measure::{self, Used};
use crate::target::Target;
use crate::world::{Server, World};

/// One of them.
#[derive(Clone, Copy)]
pub(crate) struct Beside {
    pub(crate) name: &'static str,
    /// How much of its time Syncline may take, where that is said.
    pub(crate) bound: Option<f64>,
    /// The program that not every machine has.
    needs: Option<&'static str>,
    script: &'static str,
}

/// Runs the script and shows what it said on standard error only if it fails: some say a lot.
const RUN: &str = r#"set -o pipefail; said=$(eval "$0" 2>&1 >/dev/null) || { echo "$said" >&2; exit 1; }"#;

/// Rounds of what is many times slower.
const ROUNDS_OF_OTHERS: usize = 3;

/// From the file into the server: the same data from the same place as Syncline.
pub(crate) const CSV_PIPE: Beside = tool(
    "csv pipe",
    r#"sqlite3 -csv "$FILE" 'SELECT * FROM orders' |
    psql -qXd "$TARGET" -c "$CREATE" -c '\copy orders FROM STDIN (FORMAT csv)'"#,
);

/// From CSV that is already there, which spares reading the database.
pub(crate) const READY_CSV: Beside =
    tool("ready csv", r#"psql -qXd "$TARGET" -c "$CREATE" -c "\copy orders FROM '$READY' (FORMAT csv)""#);

/// From server to server.
pub(crate) const BINARY_PIPE: Beside = tool(
    "binary pipe",
    r#"psql -qXd "$SOURCE" -c 'COPY orders TO STDOUT (FORMAT binary)' |
    psql -qXd "$TARGET" -c "$CREATE" -c 'COPY orders FROM STDIN (FORMAT binary)'"#,
);

/// From the server into a file. It makes an empty text of NULL, so what arrives is not the same.
pub(crate) const IMPORT_PIPE: Beside = tool(
    "import pipe",
    r#"psql -qXd "$SOURCE" -c 'COPY orders TO STDOUT (FORMAT csv)' |
    sqlite3 "$TARGET" "$CREATE" '.import --csv "|cat" orders'"#,
);

/// Both tables as text in the order of their keys. Written to nowhere, `diff` would stop at the first difference.
pub(crate) const TEXT_DIFF: Beside = tool(
    "diff",
    r#"psql -qXd "$SOURCE" -c 'COPY (SELECT * FROM orders ORDER BY id) TO STDOUT' | {
        psql -qXd "$TARGET" -c 'COPY (SELECT * FROM orders ORDER BY id) TO STDOUT' </dev/null 3<&- | {
            diff /dev/fd/3 - || [ $? -eq 1 ]
        }
    } 3<&0 | wc -l"#,
);

/// From PostgreSQL to MariaDB: neither writes what the other reads otherwise, as long as texts hold no control characters.
pub(crate) const COPY_TO_LOAD: Beside = tool(
    "copy | load data",
    r#"psql -qXd "$SOURCE" -c 'COPY orders TO STDOUT' |
    mariadb --defaults-file="$CLIENT" --local-infile=1 "$TARGET_NAME" -e "$CREATE; LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE orders CHARACTER SET utf8mb4""#,
);

/// From MariaDB to PostgreSQL.
pub(crate) const BATCH_TO_COPY: Beside = tool(
    "batch | copy",
    r#"mariadb --defaults-file="$CLIENT" --quick -N -B "$SOURCE_NAME" -e 'SELECT * FROM orders' |
    psql -qXd "$TARGET" -c "$CREATE" -c "COPY orders FROM STDIN (NULL 'NULL')""#,
);

/// From the file to MariaDB, by CSV.
pub(crate) const CSV_TO_LOAD: Beside = tool(
    "csv | load data",
    r#"sqlite3 -csv -nullvalue '\N' "$FILE" 'SELECT * FROM orders' |
    mariadb --defaults-file="$CLIENT" --local-infile=1 "$TARGET_NAME" -e "$CREATE; LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE orders CHARACTER SET utf8mb4
        FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\n'""#,
);

/// PostgreSQL's rows and MariaDB's, both as text of one form in the order of their keys.
pub(crate) const TEXT_DIFF_ACROSS: Beside = tool(
    "diff",
    r#"psql -qXd "$SOURCE" -c "COPY (SELECT id, customer_id, status, amount, note, to_char(created_at, 'YYYY-MM-DD HH24:MI:SS.US'),
        to_char(updated_at, 'YYYY-MM-DD HH24:MI:SS.US'), payload FROM orders ORDER BY id) TO STDOUT (NULL 'NULL')" | {
        mariadb --defaults-file="$CLIENT" --quick -N -B "$TARGET_NAME" -e 'SELECT * FROM orders ORDER BY id' </dev/null 3<&- | {
            diff /dev/fd/3 - || [ $? -eq 1 ]
        }
    } 3<&0 | wc -l"#,
);

/// MariaDB's two tables by pt-table-sync, which says by 2 that it has changed something.
pub(crate) const PT_TABLE_SYNC: Beside = other(
    "pt-table-sync",
    "pt-table-sync",
    r#"PERL_MM_OPT= pt-table-sync --execute --no-check-triggers --no-check-slave --charset utf8mb4 \
    "h=$MYSQL_HOST,P=$MYSQL_TCP_PORT,u=bench,p=bench,D=$SOURCE_NAME,t=orders" \
    "h=$MYSQL_HOST,P=$MYSQL_TCP_PORT,u=bench,p=bench,D=$TARGET_NAME,t=orders" || [ $? -eq 2 ]"#,
)
.within(0.25);

/// PostgreSQL's rows into MariaDB by sling.
pub(crate) const SLING_POSTGRES_TO_MARIADB: Beside = other(
    "sling",
    "SLING",
    r#""$SLING" run --mode full-refresh --src-conn "$SOURCE?sslmode=disable" --src-stream public.orders \
    --tgt-conn "$TARGET" --tgt-object "$TARGET_NAME.orders""#,
)
.within(0.25);

/// MariaDB's rows into PostgreSQL by sling.
pub(crate) const SLING_MARIADB_TO_POSTGRES: Beside = other(
    "sling",
    "SLING",
    r#""$SLING" run --mode full-refresh --src-conn "$SOURCE" --src-stream "$SOURCE_NAME.orders" \
    --tgt-conn "$TARGET?sslmode=disable" --tgt-object public.orders"#,
)
.within(0.25);

/// MariaDB's rows into a file by sling.
pub(crate) const SLING_MARIADB_TO_FILE: Beside = other(
    "sling",
    "SLING",
    r#""$SLING" run --mode full-refresh --src-conn "$SOURCE" --src-stream "$SOURCE_NAME.orders" \
    --tgt-conn "sqlite://$TARGET" --tgt-object main.orders"#,
)
.within(0.25);

/// The file's rows into MariaDB by sling.
pub(crate) const SLING_FILE_TO_MARIADB: Beside = other(
    "sling",
    "SLING",
    r#""$SLING" run --mode full-refresh --src-conn "sqlite://$FILE" --src-stream main.orders \
    --tgt-conn "$TARGET" --tgt-object "$TARGET_NAME.orders""#,
)
.within(0.25);

/// The file's rows by sling.
pub(crate) const SLING_FROM_FILE: Beside = other(
    "sling",
    "SLING",
    r#""$SLING" run --mode full-refresh \
    --src-conn "sqlite://$FILE" --src-stream main.orders \
    --tgt-conn "$TARGET?sslmode=disable" --tgt-object public.orders"#,
)
.within(0.25);

/// The server's rows by sling.
pub(crate) const SLING_TO_SERVER: Beside = other(
    "sling",
    "SLING",
    r#""$SLING" run --mode full-refresh \
    --src-conn "$SOURCE?sslmode=disable" --src-stream public.orders \
    --tgt-conn "$TARGET?sslmode=disable" --tgt-object public.orders"#,
)
.within(0.25);

/// The server's rows by sling, into a file.
pub(crate) const SLING_TO_FILE: Beside = other(
    "sling",
    "SLING",
    r#""$SLING" run --mode full-refresh \
    --src-conn "$SOURCE?sslmode=disable" --src-stream public.orders \
    --tgt-conn "sqlite://$TARGET" --tgt-object main.orders"#,
)
.within(0.1);

/// The file's rows by pgloader.
pub(crate) const PGLOADER: Beside =
    other("pgloader", "pgloader", r#"pgloader --with "reset no sequences" "sqlite://$FILE" "$TARGET""#).within(0.25);

/// Both tables by reladiff, all columns. It ends well also when it could not connect, but says nothing then.
pub(crate) const RELADIFF: Beside = other(
    "reladiff",
    "reladiff",
    r#"reladiff "postgresql${SOURCE#postgres}" orders "postgresql${TARGET#postgres}" orders -k id -c '%' -j 2 --stats | grep updated"#,
);

const fn tool(name: &'static str, script: &'static str) -> Beside {
    Beside { name, bound: None, needs: None, script }
}

const fn other(name: &'static str, needs: &'static str, script: &'static str) -> Beside {
    Beside { name, bound: None, needs: Some(needs), script }
}

impl Beside {
    /// Syncline may take this much of its time.
    pub(crate) const fn within(self, bound: f64) -> Self {
        Self { bound: Some(bound), ..self }
    }

    /// Whether this machine has what it needs.
    pub(crate) fn is_there(&self, world: &World) -> bool {
        match self.needs {
            None => true,
            Some("SLING") => world.sling.is_some(),
            Some(program) => on_path(program),
        }
    }

    /// In how many of the rounds it takes part.
    pub(crate) fn rounds(&self, rounds: usize) -> usize {
        if self.needs.is_some() { rounds.min(ROUNDS_OF_OTHERS) } else { rounds }
    }

    /// Runs it once on a target that is as the part wants it.
    pub(crate) fn run(&self, world: &World, source: Server, target: Target) -> Used {
        let mut command = Command::new("bash");
        command.args(["-c", RUN, self.script]).envs(world.environment(source, target));
        measure::run(command)
    }
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
}
