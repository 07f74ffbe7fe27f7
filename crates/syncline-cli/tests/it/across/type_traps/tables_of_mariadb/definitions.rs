//! What columns do by themselves, names, and sizes.

use super::super::tables::Ends::Short;
use super::super::tables::Way::{FileToMariadb, MariadbToFile, MariadbToMariadb, MariadbToPostgres, PostgresToMariadb};
use super::super::tables::{NONE, TableTrap, Way};

/// From MariaDB to anywhere.
const FROM: &[Way] = &[MariadbToFile, MariadbToPostgres, MariadbToMariadb];

pub(super) const DEFINITIONS: &[TableTrap] = &[
    TableTrap {
        name: "AUTO_INCREMENT",
        holds: "0, -3 and 7 in a column that is given numbers",
        does: "the numbers are written as they are: 0 is no wish for a new one",
        ways: FROM,
        source: "CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v TEXT); INSERT INTO t VALUES (0, 'x'), (-3, 'y'), (7, 'z')",
        shows: &[("SELECT id, v FROM t ORDER BY id", &["-3|y", "0|x", "7|z"])],
        home: "SELECT * FROM t ORDER BY id",
        ..NONE
    },
    TableTrap {
        name: "numbers of rows",
        holds: "0, -3 and 7 in `INTEGER PRIMARY KEY`",
        does: "`AUTO_INCREMENT`, and the next one that is given is a new one",
        ways: &[FileToMariadb],
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (0, 'x'), (-3, 'y'), (7, 'z')",
        shows: &[
            ("SELECT id, v FROM t ORDER BY id", &["-3|y", "0|x", "7|z"]),
            ("SELECT auto_increment > 7 FROM information_schema.tables WHERE table_schema = database() AND table_name = 't'", &["1"]),
        ],
        home: "SELECT * FROM t ORDER BY id",
        ..NONE
    },
    TableTrap {
        name: "generated and invisible columns",
        holds: "a stored one, a virtual one, and one that `*` leaves out",
        does: "plain columns with the same values",
        ways: &[MariadbToFile, MariadbToPostgres],
        source: "CREATE TABLE t (id INT PRIMARY KEY, a INT, s INT AS (a * 2) STORED, w INT AS (a + 1) VIRTUAL, h INT INVISIBLE DEFAULT 7);
            INSERT INTO t (id, a) VALUES (1, 10), (2, NULL); INSERT INTO t (id, a, h) VALUES (3, 1, NULL)",
        shows: &[("SELECT id, a, s, w, h FROM t ORDER BY id", &["1|10|20|11|7", "2|NULL|NULL|NULL|7", "3|1|2|2|NULL"])],
        one_way: true,
        ..NONE
    },
    TableTrap {
        name: "generated and invisible columns between servers",
        holds: "the same",
        does: "the target computes them, and hides what is hidden",
        ways: &[MariadbToMariadb],
        source: "CREATE TABLE t (id INT PRIMARY KEY, a INT, s INT AS (a * 2) STORED, w INT AS (a + 1) VIRTUAL, h INT INVISIBLE DEFAULT 7);
            INSERT INTO t (id, a) VALUES (1, 10), (2, NULL); INSERT INTO t (id, a, h) VALUES (3, 1, NULL)",
        shows: &[
            ("SELECT id, a, s, w, h FROM t ORDER BY id", &["1|10|20|11|7", "2|NULL|NULL|NULL|7", "3|1|2|2|NULL"]),
            ("SELECT * FROM t WHERE id = 1", &["1|10|20|11"]),
            ("SELECT extra FROM information_schema.columns WHERE table_schema = database() AND column_name IN ('s', 'w', 'h') ORDER BY column_name",
                &["INVISIBLE", "STORED GENERATED", "VIRTUAL GENERATED"]),
        ],
        home: "SELECT id, a, s, w, h FROM t ORDER BY id",
        ..NONE
    },
    TableTrap {
        name: "columns that the target computes",
        holds: "columns of the same names; in the target they are generated",
        does: "never written; the target computes them",
        ways: &[MariadbToMariadb],
        source: "CREATE TABLE t (id INT PRIMARY KEY, a INT, s INT AS (a * 2) STORED); INSERT INTO t (id, a) VALUES (1, 10), (2, NULL)",
        target: "CREATE TABLE t (id INT PRIMARY KEY, a INT, s INT AS (a * 2) STORED)",
        shows: &[("SELECT * FROM t ORDER BY id", &["1|10|20", "2|NULL|NULL"])],
        ..NONE
    },
    TableTrap {
        name: "defaults and columns that are touched",
        holds: "NULL where the default is something; the target's `ON UPDATE` would write another time",
        does: "the value that is there is written",
        ways: &[FileToMariadb],
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT DEFAULT 'x', at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP);
            INSERT INTO t VALUES (1, NULL, NULL), (2, 'y', '2000-01-01 00:00:00+00:00')",
        target: "CREATE TABLE t (id BIGINT PRIMARY KEY, a TEXT DEFAULT 'x',
                at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP);
            INSERT INTO t VALUES (1, 'old', '2010-01-01 00:00:00'), (2, 'old', '2000-01-01 00:00:00')",
        shows: &[("SELECT * FROM t ORDER BY id", &["1|NULL|NULL", "2|y|2000-01-01 00:00:00"])],
        home: "SELECT * FROM t ORDER BY id",
        ..NONE
    },
    TableTrap {
        name: "columns that are touched, of the source",
        holds: "`ON UPDATE CURRENT_TIMESTAMP`, with times of the past",
        does: "the times are written as they are",
        ways: FROM,
        source: "CREATE TABLE t (id INT PRIMARY KEY, at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP);
            INSERT INTO t VALUES (1, '2000-01-01 00:00:00'), (2, NULL)",
        shows: &[("SELECT count(*) FROM t WHERE at IS NULL", &["1"])],
        home: "SELECT * FROM t ORDER BY id",
        ..NONE
    },
    TableTrap {
        name: "names",
        holds: "reserved words, quotes, capitals, dots, `$`, names that look like SQL, 63 bytes",
        does: "quoted as names, whatever they are",
        ways: &[FileToMariadb, PostgresToMariadb, MariadbToFile, MariadbToPostgres, MariadbToMariadb],
        source: "CREATE TABLE \"Select\" (\"group\" INTEGER PRIMARY KEY, \"Order\" TEXT, \"a.b\" TEXT, \"it's\" TEXT, \"a\"\"b\" TEXT, \"$1\" TEXT, \"a`b\" TEXT);
            CREATE TABLE \"Robert'); DROP TABLE x;--\" (\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\" VARCHAR(20) NOT NULL PRIMARY KEY, v TEXT);
            INSERT INTO \"Select\" VALUES (1, 'a', 'b', 'c', 'd', 'e', 'f'), (2, NULL, NULL, NULL, NULL, NULL, '');
            INSERT INTO \"Robert'); DROP TABLE x;--\" VALUES ('k', '1')",
        shows: &[
            ("SELECT \"group\", \"Order\", \"a.b\", \"it's\", \"a\"\"b\", \"$1\", \"a`b\" FROM \"Select\" WHERE \"group\" = 1", &["1|a|b|c|d|e|f"]),
            ("SELECT v FROM \"Robert'); DROP TABLE x;--\"", &["1"]),
        ],
        home: "SELECT * FROM \"Select\" ORDER BY 1",
        ..NONE
    },
    TableTrap {
        name: "partitions",
        holds: "a table in two partitions",
        does: "one table",
        ways: FROM,
        source: "CREATE TABLE t (id INT PRIMARY KEY, v TEXT) PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (10), PARTITION high VALUES LESS THAN (20));
            INSERT INTO t VALUES (1, 'low'), (11, 'high')",
        shows: &[("SELECT id, v FROM t ORDER BY id", &["1|low", "11|high"])],
        home: "SELECT * FROM t ORDER BY id",
        ..NONE
    },
    TableTrap {
        name: "partitions of the target",
        holds: "rows for two partitions and one for none",
        does: "each goes into its own; the one for none is held",
        ways: &[FileToMariadb],
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'low'), (11, 'high'), (21, 'none')",
        target: "CREATE TABLE t (id BIGINT PRIMARY KEY, v TEXT)
            PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (10), PARTITION high VALUES LESS THAN (20))",
        ends: Short(3, "held"),
        shows: &[("SELECT v FROM t PARTITION (low)", &["low"]), ("SELECT count(*) FROM t", &["2"])],
        ..NONE
    },
    TableTrap {
        name: "all bytes, and 12 MB of them",
        holds: "256 bytes in each place, and 12 MB",
        does: "",
        ways: FROM,
        source: "CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB);
            INSERT INTO t SELECT 1, unhex(group_concat(lpad(hex(seq), 2, '0') ORDER BY seq SEPARATOR '')) FROM seq_0_to_255;
            INSERT INTO t VALUES (2, repeat(x'00ff5c0a', 3145728)), (3, ''), (4, NULL)",
        shows: &[("SELECT id, length(b) FROM t ORDER BY id", &["1|256", "2|12582912", "3|0", "4|NULL"])],
        ..NONE
    },
    TableTrap {
        name: "1,000 columns",
        holds: "nearly as many columns as the server has",
        does: "",
        ways: FROM,
        source: "SET @columns = (SELECT group_concat(concat(', c', seq, ' SMALLINT') ORDER BY seq SEPARATOR '') FROM seq_2_to_1000);
            EXECUTE IMMEDIATE concat('CREATE TABLE t (id INT PRIMARY KEY', @columns, ')');
            INSERT INTO t (id, c2, c1000) VALUES (1, 2, 1000), (2, NULL, NULL)",
        shows: &[("SELECT id, c2, c3, c1000 FROM t ORDER BY id", &["1|2|NULL|1000", "2|NULL|NULL|NULL"])],
        home: "SELECT id, c2, c3, c1000 FROM t ORDER BY id",
        ..NONE
    },
    TableTrap {
        name: "values that are bent",
        holds: "12.345 in a column of two digits, a text that is too long, a date that does not exist, NaN",
        does: "with `--misfit` as `clamp`, `clamp`, `null` and `null`; each row is on the list",
        ways: &[PostgresToMariadb],
        source: "CREATE TABLE t (id INTEGER PRIMARY KEY, d numeric, s text, day date, r float8);
            INSERT INTO t VALUES (1, 12.345, 'ab', '2024-02-29', 1.5), (2, 1000, 'abcd', '10000-01-01', 'NaN'), (3, 1.5, NULL, NULL, NULL)",
        target: "CREATE TABLE t (id INT PRIMARY KEY, d DECIMAL(5,2), s VARCHAR(3), day DATE, r DOUBLE)",
        rules: &["--misfit", "t.d=clamp", "--misfit", "t.s=clamp", "--misfit", "t.day=null", "--misfit", "t.r=null"],
        ends: Short(0, "\"bent\":2"),
        shows: &[("SELECT * FROM t ORDER BY id", &["1|12.35|ab|2024-02-29|1.5", "2|999.99|abc|NULL|NULL", "3|1.50|NULL|NULL|NULL"])],
        ..NONE
    },
];
