//! Tables in the words of other engines, and whether the servers take them and make of them what was said.

use std::sync::Arc;

use syncline_core::schema::{Schema, TableSchema};
use syncline_core::store::Store;
use syncline_stores::mysql::write::define;
use syncline_stores::mysql::{ConnectOptions, Connection, connect, schema, translate};
use syncline_stores::postgres::PostgresStore;
use syncline_stores::sqlite::{Access, SqliteStore};
use syncline_testkit::mariadb::{Database, fresh_database};
use syncline_testkit::{mariadb, postgres, sqlite};

pub(super) async fn reach(database: &Database<'_>) -> Connection {
    let database_name = database.name().to_owned();
    connect(&ConnectOptions { database: database_name, ..super::options(database.server()) }).await.unwrap()
}

pub(super) async fn read(database: &Database<'_>) -> Schema {
    schema::read(&reach(database).await).await.unwrap()
}

/// What a table is, without statements and what servers word as they like.
fn described(table: &TableSchema) -> String {
    let mut table = table.clone();
    table.definition.clear();
    table.indexes.iter_mut().for_each(|index| index.definition.clear());
    format!("{table:#?}")
}

const RICH: &str = "
CREATE TABLE parents (id INTEGER PRIMARY KEY AUTOINCREMENT, code VARCHAR(20) UNIQUE, note TEXT, CHECK (length(note) > 1));
CREATE TABLE children (
    parent INTEGER NOT NULL REFERENCES parents (id) ON DELETE CASCADE, line INT NOT NULL DEFAULT 1,
    code VARCHAR(20) REFERENCES parents (code), name TEXT DEFAULT 'it''s; \\ new', price DECIMAL(10,2) DEFAULT 1.5,
    ratio REAL DEFAULT 0.1, at DATETIME DEFAULT CURRENT_TIMESTAMP, day DATE DEFAULT '2024-02-29', data BLOB DEFAULT X'00ff',
    flag BOOLEAN NOT NULL DEFAULT 1, extra JSON DEFAULT '{}', typed TEXT DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (parent, line), UNIQUE (name, parent), CHECK (line > 0 OR name IS NULL), CHECK (name IN ('a', 'b\\')),
    CHECK (flag = 1), CHECK (NOT (price < 1.50 AND line BETWEEN 1 AND 5)));
CREATE INDEX by_note ON parents (note, id DESC);
CREATE TABLE loose (n INT, note TEXT);
CREATE TABLE selves (a TEXT NOT NULL PRIMARY KEY, b TEXT REFERENCES selves (a));
";

async fn of_sqlite(ddl: &str) -> Schema {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    sqlite::connect(&path).execute_batch(ddl).unwrap();
    let store = SqliteStore::open(&path, Access::Read).await.unwrap();
    store.snapshot().await.unwrap().schema().await.unwrap()
}

/// Makes all tables in a database, and looks whether they are what was said.
async fn made(tables: &[Arc<TableSchema>], database: &Database<'_>) -> Vec<String> {
    let connection = reach(database).await;
    let mut among = Schema::default();
    let mut left_out = Vec::new();
    for table in tables {
        let told = translate::translate(table, &connection.version);
        left_out.extend(told.left_out.into_iter().map(|what| format!("{}: {what}", table.name)));
        among.tables.push(told.table);
    }
    let mut settled = Vec::new();
    for table in &among.tables {
        let told = translate::settled(table, &among, &connection.version);
        left_out.extend(told.left_out.into_iter().map(|what| format!("{}: {what}", table.name)));
        settled.push(told.table);
    }
    let mut script =
        "SET sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES';
        SET foreign_key_checks = 0;"
            .to_owned();
    for table in &settled {
        script += &(define::statements_of(table).unwrap().join(";\n") + ";\n");
    }
    database.mariadb(&script);
    let found = read(database).await;
    for table in &settled {
        assert_eq!(described(found.table(&table.name).unwrap()), described(table), "{}", table.name);
    }
    left_out
}

#[tokio::test]
async fn tables_of_sqlite_become_what_was_said() {
    let database = fresh_database();
    let left_out = made(&of_sqlite(RICH).await.tables, &database).await;
    assert_eq!(left_out, ["parents: CHECK (length(note) > 1)"]);
}

#[tokio::test]
async fn tables_of_postgresql_become_what_was_said() {
    let theirs = postgres::fresh_database();
    theirs.psql(&postgres::samples::odd_table());
    theirs.psql(
        "CREATE TYPE feeling AS ENUM ('a', 'it''s');
         CREATE TABLE parents (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text UNIQUE, m feeling DEFAULT 'a',
            at timestamptz DEFAULT now(), local timestamp(3) DEFAULT now(), ok boolean DEFAULT true, n numeric DEFAULT -1.5,
            j jsonb DEFAULT '{}', u uuid, r real DEFAULT 0.1, b bytea, w bit(4), i inet, d date DEFAULT CURRENT_DATE);
         CREATE TABLE children (parent integer REFERENCES parents, code text REFERENCES parents (code), a varchar(900), b text,
            c char(3), x integer DEFAULT 7 CHECK (x > 0), PRIMARY KEY (a, b), UNIQUE (c, x),
            CHECK (c IN ('a', 'b') OR x IS NOT NULL));
         CREATE INDEX by_b ON children (b DESC, x);
         CREATE INDEX partial ON children (x) WHERE x > 1;",
    );
    let options = syncline_stores::postgres::ConnectOptions {
        database: theirs.name().to_owned(),
        ..crate::postgres::options(theirs.cluster())
    };
    let store = PostgresStore::open(options, None, true).await.unwrap();
    let schema = store.snapshot().await.unwrap().schema().await.unwrap();
    let database = fresh_database();
    let left_out = made(&schema.tables, &database).await;
    let told = |what: &str| assert!(left_out.iter().any(|found| found == what), "{what}: {left_out:#?}");
    told("children: index partial");
    assert!(!left_out.iter().any(|found| found.contains("reference")), "{left_out:#?}");
}

const OWN: &str = "
CREATE TABLE p (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, code varchar(20) COLLATE latin1_german1_ci UNIQUE)
    ENGINE=InnoDB COMMENT='it''s';
CREATE TABLE c (p int unsigned, code varchar(20) COLLATE latin1_german1_ci, e enum('a','b\\\\') DEFAULT 'a' COMMENT 'x, (y)',
    s set('x','y'), t timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(), j json,
    v int GENERATED ALWAYS AS (p + 1) VIRTUAL, hidden int INVISIBLE, b bit(3) DEFAULT b'101', g point NOT NULL,
    y year, z mediumint(5) unsigned zerofill, txt text, d decimal(10,2) DEFAULT 1.00, u bigint unsigned, tm time DEFAULT '-01:00:00',
    PRIMARY KEY (code), KEY pre (txt(10)), FULLTEXT KEY ft (txt), SPATIAL KEY sp (g), UNIQUE KEY uu (u, p DESC),
    CONSTRAINT named FOREIGN KEY (p) REFERENCES p (id) ON DELETE SET NULL, FOREIGN KEY (code) REFERENCES p (code),
    CHECK (d > 0 AND y <> 2000), CHECK (e = 'a')) ENGINE=InnoDB ROW_FORMAT=COMPRESSED;
CREATE TABLE old (a int, b text, KEY (b(5))) ENGINE=MyISAM COMMENT 'y';
CREATE TABLE small (a int PRIMARY KEY, b int INVISIBLE, t timestamp NULL ON UPDATE current_timestamp(), c text COMPRESSED);
CREATE TABLE aged (a int PRIMARY KEY AUTO_INCREMENT, b int INVISIBLE, t timestamp NULL ON UPDATE current_timestamp())
    ENGINE=MyISAM ROW_FORMAT=FIXED DEFAULT CHARSET=latin1;
CREATE TABLE keyless (id int NOT NULL AUTO_INCREMENT, n int INVISIBLE, UNIQUE KEY (id));
CREATE TABLE listed (id int NOT NULL AUTO_INCREMENT, n int INVISIBLE, KEY (id));
CREATE TABLE grouped (a int, b int AUTO_INCREMENT, c int INVISIBLE, t timestamp NULL ON UPDATE current_timestamp(), PRIMARY KEY (a, b))
    ENGINE=Aria;
CREATE TABLE parted (a int PRIMARY KEY) PARTITION BY HASH (a) PARTITIONS 2;
CREATE TABLE kept (a int PRIMARY KEY) WITH SYSTEM VERSIONING;
";

#[tokio::test]
async fn tables_of_one_server_are_made_as_they_are() {
    let theirs = fresh_database();
    theirs.mariadb(OWN);
    let schema = read(&theirs).await;
    let database = fresh_database();
    let left_out = made(&schema.tables, &database).await;
    let expected = [
        "aged: the storage engine MyISAM, InnoDB here",
        "grouped: the storage engine Aria, InnoDB here",
        "grouped: the numbers that b is given",
        "grouped: ON UPDATE CURRENT_TIMESTAMP of t",
        "grouped: the invisibility of c",
        "old: the storage engine MyISAM, InnoDB here",
    ];
    assert_eq!(left_out, expected);
    let found = read(&database).await;
    let aged = schema.table("aged").unwrap().definition.replace("MyISAM", "InnoDB").replace(" ROW_FORMAT=FIXED", "");
    assert_eq!(found.table("aged").unwrap().definition, aged);
    for name in ["c", "p", "kept", "small", "keyless", "listed"] {
        assert_eq!(found.table(name).unwrap().definition, schema.table(name).unwrap().definition, "{name}");
    }
}

#[tokio::test]
async fn tables_of_another_product_are_made_in_words_of_this_one() {
    let theirs = fresh_database();
    theirs.mariadb(OWN);
    let mut tables = read(&theirs).await.tables;
    for table in &mut tables {
        // As if it were of MySQL, which would be told by nothing else.
        Arc::make_mut(table).server = "8.0.36".to_owned();
    }
    let database = fresh_database();
    let left_out = made(&tables, &database).await;
    assert!(left_out.contains(&"c: the computation of v".to_owned()), "{left_out:#?}");
    assert!(!left_out.iter().any(|what| what.contains("CHECK") || what.contains("reference")), "{left_out:#?}");
}

#[tokio::test]
async fn every_type_of_mariadb_goes_to_the_others() {
    let theirs = fresh_database();
    theirs.mariadb(OWN);
    for (at, sample) in mariadb::samples::samples(true).iter().enumerate() {
        theirs.mariadb(&format!("CREATE TABLE kind_{at} (id int PRIMARY KEY, v {})", sample.column));
    }
    let tables = read(&theirs).await.tables;
    into_postgresql(&tables).await;
    into_sqlite(&tables).await;
}

async fn into_postgresql(tables: &[Arc<TableSchema>]) {
    let database = postgres::fresh_database();
    let options = syncline_stores::postgres::ConnectOptions {
        database: database.name().to_owned(),
        ..crate::postgres::options(database.cluster())
    };
    let store = PostgresStore::open(options, None, true).await.unwrap();
    let view = store.snapshot().await.unwrap();
    let mut among =
        Schema { tables: tables.iter().map(|table| view.translate(table).table).collect(), ..Schema::default() };
    among.tables = among.tables.iter().map(|table| view.settled(table, &among).table).collect();
    drop(view);
    carry_out(&store, &among.tables).await;
    let mut found = store.snapshot().await.unwrap().schema().await.unwrap();
    for table in &mut among.tables {
        let made = found.tables.iter_mut().find(|made| made.name == table.name).unwrap();
        // Conditions it prints with casts of its own.
        assert_eq!(made.checks.len(), table.checks.len(), "{}", table.name);
        Arc::make_mut(table).checks.clear();
        Arc::make_mut(made).checks.clear();
        assert_eq!(described(made), described(table), "{}", table.name);
    }
}

async fn into_sqlite(tables: &[Arc<TableSchema>]) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    sqlite::connect(&path).execute_batch("CREATE TABLE other (a)").unwrap();
    let store = SqliteStore::open(&path, Access::Write).await.unwrap();
    let view = store.snapshot().await.unwrap();
    let tables: Vec<_> = tables.iter().map(|table| view.translate(table).table).collect();
    drop(view);
    carry_out(&store, &tables).await;
}

async fn carry_out(store: &dyn Store, tables: &[Arc<TableSchema>]) {
    use syncline_core::schema::SchemaStep;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    for table in tables {
        transaction.define(&[SchemaStep::CreateTable(Arc::clone(table))]).await.unwrap();
        let index = |index: &syncline_core::schema::Index| SchemaStep::CreateIndex {
            table: table.name.clone(),
            index: index.clone(),
        };
        transaction.define(&table.indexes.iter().map(index).collect::<Vec<_>>()).await.unwrap();
    }
    let checkpoint = syncline_core::checkpoint::Checkpoint { run: "made".to_owned(), batch: 1 };
    transaction.commit(&checkpoint).await.unwrap();
}
