//! Traps that are no single values: keys, names, definitions, sizes.

use self::Ends::{Carried, Short};
use super::base::Base;

/// From where to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From a file to PostgreSQL.
    Out,
    /// From PostgreSQL to a file.
    In,
    /// From PostgreSQL to PostgreSQL.
    Over,
    /// From a file to MariaDB.
    FileToMariadb,
    /// From PostgreSQL to MariaDB.
    PostgresToMariadb,
    /// From MariaDB to a file.
    MariadbToFile,
    /// From MariaDB to PostgreSQL.
    MariadbToPostgres,
    /// From MariaDB to MariaDB.
    MariadbToMariadb,
}

/// One trap.
pub(super) struct TableTrap {
    /// What it is called.
    pub(super) name: &'static str,
    /// What the source holds, in words.
    pub(super) holds: &'static str,
    /// What comes of it, in words.
    pub(super) does: &'static str,
    pub(super) ways: &'static [Way],
    /// Statements that make the source, and what is in the target before.
    pub(super) source: &'static str,
    pub(super) target: &'static str,
    /// Rules of a mapping.
    pub(super) rules: &'static [&'static str],
    pub(super) ends: Ends,
    /// Queries to the target, and the lines that they find.
    pub(super) shows: &'static [(&'static str, &'static [&'static str])],
    /// Whether the source could not be written to from what was made of it.
    pub(super) one_way: bool,
    /// A query that finds the same in the source and back home; empty where nothing is to come back.
    pub(super) home: &'static str,
}

impl Way {
    /// The source, the target, and a third database of the source's engine.
    pub(super) fn bases(self) -> [Base; 3] {
        use Way::{
            FileToMariadb, In, MariadbToFile, MariadbToMariadb, MariadbToPostgres, Out, Over, PostgresToMariadb,
        };
        let of_source = |file, variable| match self {
            Out | FileToMariadb => Base::File(file),
            In | Over | PostgresToMariadb => Base::postgres(variable),
            MariadbToFile | MariadbToPostgres | MariadbToMariadb => Base::mariadb(variable),
        };
        let target = match self {
            In | MariadbToFile => Base::File("b.db"),
            Out | Over | MariadbToPostgres => Base::postgres("B"),
            FileToMariadb | PostgresToMariadb | MariadbToMariadb => Base::mariadb("B"),
        };
        [of_source("a.db", "A"), target, of_source("c.db", "C")]
    }

    /// In words.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Way::Out => "SQLite to PostgreSQL",
            Way::In => "PostgreSQL to SQLite",
            Way::Over => "PostgreSQL to PostgreSQL",
            Way::FileToMariadb => "SQLite to MariaDB",
            Way::PostgresToMariadb => "PostgreSQL to MariaDB",
            Way::MariadbToFile => "MariaDB to SQLite",
            Way::MariadbToPostgres => "MariaDB to PostgreSQL",
            Way::MariadbToMariadb => "MariaDB to MariaDB",
        }
    }
}

/// How a run ends.
#[derive(Clone, Copy)]
pub(super) enum Ends {
    /// Everything is carried.
    Carried,
    /// With this exit code, and this is said.
    Short(i32, &'static str),
}

/// A trap of nothing, to be filled in.
pub(super) const NONE: TableTrap = TableTrap {
    name: "",
    holds: "",
    does: "",
    ways: &[],
    source: "",
    target: "",
    rules: &[],
    ends: Carried,
    shows: &[],
    one_way: false,
    home: "",
};

const SCHEMAS: &str = "CREATE SCHEMA sales; CREATE TABLE t (id integer PRIMARY KEY, v text);
    CREATE TABLE sales.t (id integer PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'public'); INSERT INTO sales.t VALUES (1, 'sales')";

/// Those between SQLite and PostgreSQL, in the order of the page.
pub(super) const TABLES: &[TableTrap] = &[
    TableTrap {
        name: "keys that look alike",
        holds: "`'a'`, `'A'`, `'a '`, `'á'` in one and in two characters as keys",
        does: "five keys; both sides are read in the order of their bytes",
        ways: &[Way::Out, Way::In, Way::Over],
        source: "CREATE TABLE t (k TEXT NOT NULL PRIMARY KEY, v TEXT);
            INSERT INTO t VALUES ('a', '1'), ('A', '2'), ('a ', '3'), ('á', '4'), ('a\u{301}', '5'), ('', '6'), ('Z', '7'), ('ä', '8')",
        shows: &[("SELECT count(*) FROM t", &["8"]), ("SELECT v FROM t WHERE k = 'A'", &["2"])],
        home: "SELECT k, v FROM t ORDER BY v",
        ..NONE
    },
    TableTrap {
        name: "keys under a collation of ICU",
        holds: "the same, in a column whose collation orders them otherwise",
        does: "the order of the collation is nowhere relied on",
        ways: &[Way::In, Way::Over],
        source: "CREATE TABLE t (k TEXT COLLATE \"de-x-icu\" NOT NULL PRIMARY KEY, v TEXT);
            INSERT INTO t VALUES ('a', '1'), ('A', '2'), ('a ', '3'), ('á', '4'), ('a\u{301}', '5'), ('Z', '6'), ('z', '7'), ('ä', '8')",
        shows: &[("SELECT count(*) FROM t", &["8"]), ("SELECT v FROM t WHERE k = 'A'", &["2"])],
        home: "SELECT k, v FROM t ORDER BY v",
        ..NONE
    },
    TableTrap {
        name: "keys that are one in the target",
        holds: "`'a'` and `'A'`; the target's key is of a collation that takes them for the same",
        does: "two rows never become one: one is held, `unique`, by every run; the other keeps the key",
        ways: &[Way::Out],
        source: "CREATE TABLE t (k TEXT NOT NULL PRIMARY KEY, v TEXT); INSERT INTO t VALUES ('a', '1'), ('A', '2'), ('b', '3')",
        target: "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
            CREATE TABLE t (k TEXT COLLATE ci NOT NULL PRIMARY KEY, v TEXT)",
        ends: Short(3, "unique"),
        shows: &[("SELECT count(*) FROM t", &["2"])],
        ..NONE
    },
    TableTrap {
        name: "a key in another notation",
        holds: "a UUID in capitals as a key that is text; the target's key is `uuid`",
        does: "held, `type`, by every run: once stored it would be another key",
        ways: &[Way::Out, Way::Over],
        source: "CREATE TABLE t (k TEXT NOT NULL PRIMARY KEY, v TEXT); INSERT INTO t VALUES
            ('6ba7b810-9dad-11d1-80b4-00c04fd430c8', '1'), ('7BA7B810-9DAD-11D1-80B4-00C04FD430C8', '2'),
            ('00000000-9dad-11d1-80b4-00c04fd430c8', '3'), ('none', '4')",
        target: "CREATE TABLE t (k uuid NOT NULL PRIMARY KEY, v TEXT)",
        ends: Short(3, "\"type\""),
        shows: &[("SELECT v FROM t ORDER BY v", &["1", "3"])],
        ..NONE
    },
    TableTrap {
        name: "keys that are documents",
        holds: "`1`, `2.0`, `-1.50`, `\"1\"`, `[1, 2]` in `jsonb PRIMARY KEY`",
        does: "as text in a file, each as PostgreSQL writes it",
        ways: &[Way::In, Way::Over],
        source: "CREATE TABLE t (k jsonb PRIMARY KEY, v text);
            INSERT INTO t VALUES ('2.0', 'a'), ('1', 'b'), ('-1.50', 'c'), ('\"1\"', 'd'), ('[1,2]', 'e')",
        shows: &[("SELECT count(*) FROM t", &["5"])],
        home: "SELECT k, v FROM t ORDER BY v",
        ..NONE
    },
    TableTrap {
        name: "NULL in a primary key",
        holds: "NULL in `TEXT PRIMARY KEY`, which SQLite lets in",
        does: "the table is left as it is and named, `KEY_NULL`; the others are carried",
        ways: &[Way::Out],
        source: "CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT); INSERT INTO t VALUES (NULL, '1'), ('a', '2');
            CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO u VALUES (1)",
        ends: Short(3, "KEY_NULL"),
        shows: &[("SELECT count(*) FROM u", &["1"])],
        ..NONE
    },
    TableTrap {
        name: "an unsigned integer as a key",
        holds: "18446744073709551615 in `numeric(20)`, referenced by another table",
        does: "as text in a file, digit by digit",
        ways: &[Way::In, Way::Over],
        source: "CREATE TABLE t (id numeric(20) PRIMARY KEY); CREATE TABLE c (id integer PRIMARY KEY, t numeric(20) REFERENCES t);
            INSERT INTO t VALUES (18446744073709551615), (18446744073709551614), (9); INSERT INTO c VALUES (1, 18446744073709551615), (2, 9)",
        shows: &[("SELECT t FROM c ORDER BY id", &["18446744073709551615", "9"])],
        home: "SELECT c.id, t.id FROM c JOIN t ON t.id = c.t ORDER BY 1",
        ..NONE
    },
    TableTrap {
        name: "identity columns",
        holds: "rows with numbers in a column that is `GENERATED ALWAYS` in the target",
        does: "the numbers are written as they are, and the next one that is given is a new one",
        ways: &[Way::Out],
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (5, 'x'), (9, 'y')",
        target: "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v TEXT)",
        shows: &[
            ("SELECT id, v FROM t ORDER BY id", &["5|x", "9|y"]),
            ("SELECT nextval(pg_get_serial_sequence('t', 'id')) > 9", &["t"]),
        ],
        home: "SELECT * FROM t ORDER BY id",
        ..NONE
    },
    TableTrap {
        name: "identity columns of the source",
        holds: "`GENERATED ALWAYS AS IDENTITY`, `serial`",
        does: "made with a counter of its own",
        ways: &[Way::In, Way::Over],
        source: "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v TEXT); INSERT INTO t (v) VALUES ('x'), ('y'); DELETE FROM t WHERE v = 'x';
            CREATE TABLE s (id serial PRIMARY KEY, v TEXT); INSERT INTO s (v) VALUES ('x')",
        shows: &[("SELECT id, v FROM t", &["2|y"]), ("SELECT id, v FROM s", &["1|x"])],
        home: "SELECT * FROM t",
        ..NONE
    },
    TableTrap {
        name: "generated columns",
        holds: "a stored one, which is computed on both sides",
        does: "never written; the target computes it",
        ways: &[Way::Out],
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, a BIGINT, s BIGINT AS (a * 2) STORED); INSERT INTO t (id, a) VALUES (1, 10), (2, NULL)",
        target: "CREATE TABLE t (id bigint PRIMARY KEY, a bigint, s bigint GENERATED ALWAYS AS (a * 2) STORED)",
        shows: &[("SELECT * FROM t ORDER BY id", &["1|10|20", "2|NULL|NULL"])],
        ..NONE
    },
    TableTrap {
        name: "generated columns of the source",
        holds: "a stored one",
        does: "where the table is made in another engine it is a plain column with the same values",
        ways: &[Way::In, Way::Over],
        source: "CREATE TABLE t (id bigint PRIMARY KEY, a bigint, s bigint GENERATED ALWAYS AS (a * 2) STORED); INSERT INTO t (id, a) VALUES (1, 10), (2, NULL)",
        shows: &[("SELECT * FROM t ORDER BY id", &["1|10|20", "2|NULL|NULL"])],
        one_way: true,
        ..NONE
    },
    TableTrap {
        name: "defaults and triggers",
        holds: "NULL where the default is something; the target's trigger would write another time",
        does: "the value that is there is written; triggers do not fire",
        ways: &[Way::Out],
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT DEFAULT 'x', at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
            INSERT INTO t VALUES (1, NULL, NULL), (2, 'y', '2000-01-01 00:00:00')",
        target: "CREATE TABLE t (id bigint PRIMARY KEY, a text DEFAULT 'x', at timestamp DEFAULT now());
            CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.at = now(); RETURN new; END';
            CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch()",
        shows: &[("SELECT * FROM t ORDER BY id", &["1|NULL|NULL", "2|y|2000-01-01 00:00:00"])],
        home: "SELECT * FROM t ORDER BY id",
        ..NONE
    },
    TableTrap {
        name: "names",
        holds: "reserved words, quotes, capitals, dots, `$`, emoji, names that look like SQL, 63 bytes",
        does: "quoted as names, whatever they are",
        ways: &[Way::Out, Way::In, Way::Over],
        source: "CREATE TABLE \"Select\" (\"group\" INTEGER PRIMARY KEY, \"Order\" TEXT, \"a.b\" TEXT, \"it's\" TEXT, \"a\"\"b\" TEXT, \"$1\" TEXT, \"🦀\" TEXT);
            CREATE TABLE \"Robert'); DROP TABLE x;--\" (\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\" TEXT NOT NULL PRIMARY KEY, v TEXT);
            INSERT INTO \"Select\" VALUES (1, 'a', 'b', 'c', 'd', 'e', 'f'), (2, NULL, NULL, NULL, NULL, NULL, '');
            INSERT INTO \"Robert'); DROP TABLE x;--\" VALUES ('k', '1')",
        shows: &[
            ("SELECT \"group\", \"Order\", \"a.b\", \"it's\", \"a\"\"b\", \"$1\", \"🦀\" FROM \"Select\" WHERE \"group\" = 1", &["1|a|b|c|d|e|f"]),
            ("SELECT v FROM \"Robert'); DROP TABLE x;--\"", &["1"]),
        ],
        home: "SELECT * FROM \"Select\" ORDER BY 1",
        ..NONE
    },
    TableTrap {
        name: "schemas",
        holds: "tables of one name in `public` and in `sales`",
        does: "the second is called `sales.t`, and is a table of that name in a file",
        ways: &[Way::In],
        source: SCHEMAS,
        shows: &[("SELECT v FROM t", &["public"]), ("SELECT v FROM \"sales.t\"", &["sales"])],
        home: "SELECT v FROM t",
        ..NONE
    },
    TableTrap {
        name: "schemas on both sides",
        holds: "the same",
        does: "the schema is made",
        ways: &[Way::Over],
        source: SCHEMAS,
        shows: &[("SELECT v FROM t", &["public"]), ("SELECT v FROM sales.t", &["sales"])],
        home: "SELECT v FROM t UNION ALL SELECT v FROM sales.t",
        ..NONE
    },
    TableTrap {
        name: "partitions",
        holds: "a table in two partitions",
        does: "one table",
        ways: &[Way::In],
        source: "CREATE TABLE t (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
            CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (10); CREATE TABLE t_high PARTITION OF t FOR VALUES FROM (10) TO (20);
            INSERT INTO t VALUES (1, 'low'), (11, 'high')",
        shows: &[("SELECT id, v FROM t ORDER BY id", &["1|low", "11|high"])],
        home: "SELECT * FROM t ORDER BY id",
        ..NONE
    },
    TableTrap {
        name: "partitions of the target",
        holds: "rows for two partitions and one for none",
        does: "each goes into its own; the one for none is held",
        ways: &[Way::Out],
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'low'), (11, 'high'), (21, 'none')",
        target: "CREATE TABLE t (id bigint PRIMARY KEY, v text) PARTITION BY RANGE (id);
            CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (10); CREATE TABLE t_high PARTITION OF t FOR VALUES FROM (10) TO (20)",
        ends: Short(3, "held"),
        shows: &[("SELECT v FROM t_low", &["low"]), ("SELECT v FROM t_high", &["high"]), ("SELECT count(*) FROM t", &["2"])],
        ..NONE
    },
    TableTrap {
        name: "all bytes, and 16 MB of them",
        holds: "256 bytes in each place, and 16 MB",
        does: "",
        ways: &[Way::In, Way::Over],
        source: "CREATE TABLE t (id integer PRIMARY KEY, b bytea);
            INSERT INTO t SELECT 1, string_agg(decode(lpad(to_hex(n), 2, '0'), 'hex'), '' ORDER BY n) FROM generate_series(0, 255) AS n;
            INSERT INTO t SELECT 2, decode(repeat('00ff5c0a', 4194304), 'hex'); INSERT INTO t VALUES (3, ''), (4, NULL)",
        shows: &[("SELECT id, length(b) FROM t ORDER BY id", &["1|256", "2|16777216", "3|0", "4|NULL"])],
        home: "SELECT id, md5(b) FROM t ORDER BY id",
        ..NONE
    },
    TableTrap {
        name: "a value of 50 MB",
        holds: "a text of 50 MB",
        does: "",
        ways: &[Way::In, Way::Over],
        source: "CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t VALUES (1, repeat('0123456789', 5242880)), (2, 'short')",
        shows: &[("SELECT id, length(v) FROM t ORDER BY id", &["1|52428800", "2|5"])],
        home: "SELECT id, md5(v) FROM t ORDER BY id",
        ..NONE
    },
    TableTrap {
        name: "1,600 columns",
        holds: "as many columns as PostgreSQL has",
        does: "",
        ways: &[Way::In, Way::Over],
        source: "DO $$ BEGIN EXECUTE 'CREATE TABLE t (id integer PRIMARY KEY' || (SELECT string_agg(format(', c%s smallint', n), '' ORDER BY n)
                FROM generate_series(2, 1600) AS n) || ')'; END $$;
            INSERT INTO t (id, c2, c1600) VALUES (1, 2, 1600), (2, NULL, NULL)",
        shows: &[("SELECT id, c2, c3, c1600 FROM t ORDER BY id", &["1|2|NULL|1600", "2|NULL|NULL|NULL"])],
        home: "SELECT id, c2, c3, c1600 FROM t ORDER BY id",
        ..NONE
    },
    TableTrap {
        name: "values that are bent",
        holds: "12.345 in a column of two digits, a text that is too long, a date that does not exist",
        does: "with `--misfit` as `clamp`, `clamp` and `null`; each row is on the list",
        ways: &[Way::Out],
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, d DECIMAL(5,2), s VARCHAR(3), day DATE);
            INSERT INTO t VALUES (1, 12.345, 'ab', '2024-02-29'), (2, 1000, 'abcd', '2024-02-30'), (3, 1.5, NULL, NULL)",
        rules: &["--misfit", "t.d=clamp", "--misfit", "t.s=clamp", "--misfit", "t.day=null"],
        ends: Short(0, "\"bent\":2"),
        shows: &[("SELECT * FROM t ORDER BY id", &["1|12.35|ab|2024-02-29", "2|999.99|abc|NULL", "3|1.50|NULL|NULL"])],
        ..NONE
    },
];
