//! Tables made from their description.

use std::sync::Arc;

use syncline_core::error::{Code, Result};
use syncline_core::schema::{Column, ForeignKey, Generated, Key, NewColumn, Schema, SchemaStep, TableSchema};
use syncline_core::value::{Coercion, Kind};
use syncline_stores::postgres::names::Names;
use syncline_stores::postgres::translate::{settled, translate};
use syncline_stores::postgres::write::define::{Waiting, add_references, carry_out, statements_of};
use syncline_stores::postgres::{ConnectOptions, Connection, connect, schema};
use syncline_testkit::postgres::{Database, fresh_database};

use super::options;

async fn connection(database: &Database<'_>) -> Connection {
    connect(&ConnectOptions { database: database.name().to_owned(), ..options(database.cluster()) }).await.unwrap()
}

async fn read(database: &Database<'_>) -> Schema {
    schema::read(&connection(database).await, &Names::new("public")).await.unwrap()
}

/// One transaction for each of these lists.
async fn define(database: &Database<'_>, lists: &[Vec<SchemaStep>]) -> Result<()> {
    let (connection, mut waiting) = (connection(database).await, Waiting::default());
    for steps in lists {
        connection.client.batch_execute("BEGIN").await.unwrap();
        carry_out(&connection, &Names::new("public"), &mut waiting, steps).await?;
        add_references(&connection, &Names::new("public"), &mut waiting).await?;
        connection.client.batch_execute("COMMIT").await.unwrap();
    }
    Ok(())
}

fn creations(tables: &[Arc<TableSchema>]) -> Vec<SchemaStep> {
    let create = tables.iter().map(|table| SchemaStep::CreateTable(Arc::clone(table)));
    let index = tables.iter().flat_map(|table| {
        let step = |index: &syncline_core::schema::Index| SchemaStep::CreateIndex {
            table: table.name.clone(),
            index: index.clone(),
        };
        table.indexes.iter().map(step).collect::<Vec<_>>()
    });
    create.chain(index).collect()
}

const MODEL: &str = "
    CREATE SCHEMA sales; CREATE SCHEMA \"odd \"\"one\"; CREATE TYPE sales.mood AS ENUM ('b', 'it''s');
    CREATE DOMAIN positive AS integer CHECK (value > 0);
    CREATE COLLATION sales.binary FROM \"C\";
    CREATE TABLE z (a int, b text NOT NULL, PRIMARY KEY (b, a));
    CREATE TABLE a (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, n serial, m sales.mood DEFAULT 'b',
        d numeric(10,2) DEFAULT 1.50 CHECK (d > 0), e timestamptz(3) DEFAULT now(), list int[] DEFAULT '{1}',
        twice int GENERATED ALWAYS AS (n * 2) STORED, za int, zb text COLLATE \"C\", CONSTRAINT \"named \"\"so\" UNIQUE (d, e),
        FOREIGN KEY (zb, za) REFERENCES z ON DELETE CASCADE ON UPDATE SET NULL);
    CREATE TABLE sales.\"order lines\" (id uuid PRIMARY KEY, boss uuid REFERENCES sales.\"order lines\",
        a bigint REFERENCES public.a, \"select\" char(3) NOT NULL DEFAULT 'x');
    CREATE TABLE \"odd \"\"one\".\"t.\"\"u\" (x int NOT NULL UNIQUE);
    CREATE INDEX \"by USING\" ON sales.\"order lines\" USING btree (lower(\"select\") DESC) INCLUDE (a) WHERE a > 1;
    CREATE UNIQUE INDEX a_zb ON a (zb, za);
    CREATE TABLE bare (code text NOT NULL); CREATE UNIQUE INDEX bare_code ON bare (code);";

#[tokio::test]
async fn a_database_is_made_again_from_its_description() {
    let (from, into) = (fresh_database(), fresh_database());
    from.psql(MODEL);
    let model = read(&from).await;
    // In the order of their names: references point to what comes later, too.
    define(&into, &[creations(&model.tables)]).await.unwrap();
    let made = read(&into).await;
    assert_eq!(format!("{:#?}", made.tables), format!("{:#?}", model.tables));
    assert_eq!(into.psql("SELECT enum_range(NULL::sales.mood)"), "{b,it's}\n");
    into.psql("INSERT INTO z VALUES (1, 'x'); INSERT INTO a (id, za, zb) OVERRIDING SYSTEM VALUE VALUES (7, 1, 'x')");
    assert_eq!(into.psql("SELECT id, n, twice, d, list FROM a"), "7|1|2|1.50|{1}\n");
}

#[tokio::test]
async fn a_domain_that_is_not_there_becomes_what_lies_beneath() {
    let (from, into) = (fresh_database(), fresh_database());
    from.psql("CREATE DOMAIN positive AS integer CHECK (value > 0); CREATE TABLE t (id positive PRIMARY KEY)");
    define(&into, &[creations(&read(&from).await.tables)]).await.unwrap();
    assert_eq!(read(&into).await.tables[0].columns[0].declared_type, "integer");
}

/// Once a table is settled that takes somebody who drops the type in between, or a server that is older.
#[tokio::test]
async fn another_type_that_is_not_there_is_named() {
    let (from, into) = (fresh_database(), fresh_database());
    from.psql(
        "CREATE SCHEMA app; CREATE TYPE app.pair AS (a int); CREATE TABLE t (id int PRIMARY KEY, pairs app.pair[])",
    );
    let tables = read(&from).await.tables;
    let error = define(&into, &[creations(&tables)]).await.unwrap_err();
    assert_eq!(error.code(), Code::TableNotCreated, "{error:?}");
    assert!(error.what().contains("app.pair[]") && error.what().contains("t.pairs"), "{error}");
    assert!(!error.next_steps().is_empty() && read(&into).await.tables.is_empty());
    // Settled before, it comes as text.
    let kept = settled(&tables[0], &read(&into).await);
    assert_eq!(kept.left_out, ["the type app.pair[] of pairs, text here"]);
    define(&into, &[creations(&[kept.table])]).await.unwrap();
    assert_eq!(read(&into).await.tables[0].columns[1].declared_type, "text");
}

#[tokio::test]
async fn a_reference_waits_for_the_table_it_points_to() {
    let (from, into) = (fresh_database(), fresh_database());
    from.psql(
        "CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
         ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b; CREATE TABLE c (id int PRIMARY KEY, a int REFERENCES a)",
    );
    let tables = read(&from).await.tables;
    let [a, b, c] = &tables[..] else { panic!("{tables:?}") };
    let create = |table: &Arc<TableSchema>| vec![SchemaStep::CreateTable(Arc::clone(table))];
    define(&into, &[create(c), create(a), create(b)]).await.unwrap();
    assert_eq!(format!("{:#?}", read(&into).await.tables), format!("{tables:#?}"));
    // What it points to need not come at all.
    let alone = fresh_database();
    define(&alone, &[create(c)]).await.unwrap();
    assert!(read(&alone).await.tables[0].foreign_keys.is_empty());
}

fn flexible(name: &str, declared_type: &str, coercion: Coercion, default: Option<&str>) -> Column {
    Column {
        name: name.to_owned(),
        declared_type: declared_type.to_owned(),
        kind: Kind::Flexible(coercion),
        nullable: name != "id",
        default: default.map(str::to_owned),
        collation: "BINARY".to_owned(),
        generated: Generated::No,
        expression: None,
    }
}

#[tokio::test]
async fn a_table_of_sqlite_is_made_as_its_translation_says() {
    let table = TableSchema {
        name: "Odd \"table".to_owned(),
        engine: "sqlite",
        columns: vec![
            flexible("id", "INTEGER", Coercion::Integer, None),
            flexible("active", "BOOLEAN", Coercion::Numeric, Some("1")),
            flexible("price", "DECIMAL(10,2)", Coercion::Numeric, Some("1.5")),
            flexible("at", "DATETIME", Coercion::Numeric, Some("CURRENT_TIMESTAMP")),
            flexible("on", "DATE", Coercion::Numeric, Some("CURRENT_DATE")),
            flexible("note", "TEXT", Coercion::Text, Some("'it''s'")),
            flexible("short", "VARCHAR(5)", Coercion::Text, Some("'abc'")),
            flexible("when", "TEXT", Coercion::Text, Some("CURRENT_TIMESTAMP")),
            flexible("raw", "BLOB", Coercion::None, Some("x'00ff'")),
        ],
        key: Some(Key { columns: vec![0], is_rowid: true, collations: vec!["BINARY".to_owned()] }),
        primary_key: vec![0],
        checks: vec![
            syncline_core::schema::Check { expression: "price > 0".to_owned() },
            syncline_core::schema::Check { expression: "active IN (0,1)".to_owned() },
            syncline_core::schema::Check { expression: "note < 'x'".to_owned() },
        ],
        ..TableSchema::default()
    };
    let translated = translate(&Arc::new(table), &Names::new("public"));
    assert!(translated.left_out.is_empty(), "{:?}", translated.left_out);
    let database = fresh_database();
    define(&database, &[creations(&[Arc::clone(&translated.table)])]).await.unwrap();
    let made = Arc::clone(&read(&database).await.tables[0]);
    for (made, expected) in made.columns.iter().zip(&translated.table.columns) {
        let of = |column: &Column| {
            (
                column.name.clone(),
                column.declared_type.clone(),
                column.kind.clone(),
                column.nullable,
                column.collation.clone(),
            )
        };
        assert_eq!(of(made), of(expected));
        assert_eq!(made.default.is_some(), expected.default.is_some());
    }
    assert_eq!((made.columns[0].default.clone(), made.checks.len()), (translated.table.columns[0].default.clone(), 3));
    assert_eq!((made.key.clone(), made.autoincrement), (translated.table.key.clone(), true));
    database.psql("INSERT INTO \"Odd \"\"table\" DEFAULT VALUES");
    let row = database.psql("SELECT id, active, price, note, short, raw, at - (now() AT TIME ZONE 'UTC') < '1 s', \"when\" ~ '^2' FROM \"Odd \"\"table\"");
    assert_eq!(row, "1|t|1.50|it's|abc|\\x00ff|t|t\n");
    let statements = statements_of(&translated.table, &Names::new("public")).unwrap().join(";\n");
    let other = fresh_database();
    other.psql(&statements);
    assert_eq!(format!("{:#?}", read(&other).await.tables[0]), format!("{made:#?}"));
}

#[tokio::test]
async fn a_column_is_added_and_nothing_else() {
    let database = fresh_database();
    database
        .psql("CREATE TABLE other (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    let column = |default: &str| {
        let column = Column {
            kind: Kind::Int { bits: 32 },
            nullable: false,
            collation: String::new(),
            ..flexible("n", "integer", Coercion::None, Some(default))
        };
        SchemaStep::AddColumn(Box::new(NewColumn { table: "t".to_owned(), column, checks: vec![], reference: None }))
    };
    for default in [
        "1; DROP TABLE other",
        "1, more INT",
        "1), ADD COLUMN more INT DEFAULT (2",
        "(SELECT count(*) FROM other)",
        "1); DROP TABLE other; --",
    ] {
        let error = define(&database, &[vec![column(default)]]).await.unwrap_err();
        assert_eq!((error.code(), error.why().is_some()), (Code::SchemaNotAdded, true), "{default}: {error:?}");
    }
    define(&database, &[vec![column("7")]]).await.unwrap();
    assert_eq!(database.psql("SELECT * FROM t"), "1|7\n");
    assert_eq!(read(&database).await.tables.len(), 2);
}

#[tokio::test]
async fn a_table_that_others_use_is_not_dropped() {
    let database = fresh_database();
    database.psql(
        "CREATE TABLE viewed (id int PRIMARY KEY); CREATE VIEW v AS SELECT id FROM viewed;
         CREATE TABLE fired (id int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER tr BEFORE INSERT ON fired FOR EACH ROW EXECUTE FUNCTION f();
         CREATE SCHEMA s; CREATE TABLE s.plain (id serial PRIMARY KEY)",
    );
    let drop = |name: &str| vec![vec![SchemaStep::DropTable(name.to_owned())]];
    for name in ["viewed", "fired"] {
        let error = define(&database, &drop(name)).await.unwrap_err();
        assert_eq!((error.code(), error.why().is_some()), (Code::UndoStale, true), "{error:?}");
    }
    define(&database, &drop("s.plain")).await.unwrap();
    assert_eq!(read(&database).await.tables.len(), 2);
}

#[tokio::test]
async fn tables_that_go_together_lose_the_references_among_them_and_no_other() {
    let database = fresh_database();
    database.psql(
        "CREATE SCHEMA \"odd one\"; CREATE TABLE stays (id int PRIMARY KEY);
         CREATE TABLE a (id int PRIMARY KEY, s int REFERENCES stays, up int CONSTRAINT \"odd \"\"up\" REFERENCES a);
         CREATE TABLE \"odd one\".b (id int PRIMARY KEY, a int REFERENCES a);
         ALTER TABLE a ADD b int REFERENCES \"odd one\".b; CREATE TABLE outside (id int REFERENCES a)",
    );
    let names = vec!["a".to_owned(), "odd one.b".to_owned()];
    let steps = vec![SchemaStep::DropReferencesAmong(names.clone())];
    define(&database, std::slice::from_ref(&steps)).await.unwrap();
    let left = "SELECT conname FROM pg_constraint WHERE contype = 'f' ORDER BY 1";
    assert_eq!(database.psql(left), "a_s_fkey\nodd \"up\noutside_id_fkey\n");
    database.psql("DROP TABLE outside; ALTER TABLE \"odd one\".b ADD FOREIGN KEY (a) REFERENCES a");
    let drops = names.iter().rev().map(|name| SchemaStep::DropTable(name.clone()));
    define(&database, &[steps.into_iter().chain(drops).collect()]).await.unwrap();
    assert_eq!(read(&database).await.tables.len(), 1);
}

/// Types of columns that reference and are referenced.
const TYPES: [&str; 24] = [
    "boolean",
    "smallint",
    "integer",
    "bigint",
    "oid",
    "numeric",
    "numeric(5,2)",
    "real",
    "double precision",
    "text",
    "character varying(9)",
    "character(4)",
    "name",
    "bytea",
    "date",
    "time without time zone",
    "timestamp without time zone",
    "timestamp(2) with time zone",
    "uuid",
    "jsonb",
    "public.mood",
    "public.word",
    "inet",
    "integer[]",
];

/// Asks the server whether it takes a reference from a column of the one type to one of the other.
const ASK: &str = "CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN word AS text;
     CREATE FUNCTION takes(child text, parent text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
         EXECUTE format('CREATE TABLE of_pair (k %s PRIMARY KEY, c %s REFERENCES of_pair)', parent, child);
         DROP TABLE of_pair;
         RETURN true;
     EXCEPTION WHEN datatype_mismatch OR undefined_function THEN RETURN false;
     END $$;";

#[tokio::test]
async fn references_are_kept_where_the_server_takes_them() {
    let database = fresh_database();
    let columns = TYPES.iter().enumerate().map(|(at, name)| format!("t{at} {name} UNIQUE"));
    database.psql(&format!("{ASK} CREATE TABLE p ({})", columns.collect::<Vec<_>>().join(", ")));
    let list = TYPES.map(|name| format!("'{name}'")).join(", ");
    let asked = format!(
        "SELECT child, parent FROM unnest(ARRAY[{list}]) AS c(child), unnest(ARRAY[{list}]) AS p(parent) WHERE takes(child, parent)"
    );
    let taken: Vec<(String, String)> =
        database.rows(&asked).into_iter().map(|row| (row[0].clone().unwrap(), row[1].clone().unwrap())).collect();
    let schema = read(&database).await;
    let parent = schema.table("p").unwrap();
    let mut lost = Vec::new();
    for (at, child) in TYPES.iter().enumerate() {
        for (to, parent_type) in TYPES.iter().enumerate() {
            let reference = ForeignKey {
                columns: vec![format!("t{at}")],
                parent: "p".to_owned(),
                parent_columns: vec![format!("t{to}")],
                on_delete: "NO ACTION".to_owned(),
                on_update: "NO ACTION".to_owned(),
            };
            let table = TableSchema { name: "c".to_owned(), foreign_keys: vec![reference], ..(**parent).clone() };
            let kept = settled(&Arc::new(table), &schema);
            let is_taken = taken.iter().any(|(one, other)| one == child && other == parent_type);
            match (kept.left_out.is_empty(), is_taken) {
                (true, false) => panic!("{child} to {parent_type} would be refused"),
                (false, true) => lost.push(format!("{child} to {parent_type}")),
                _ => {}
            }
        }
    }
    // Who references like that? All others are kept.
    let is_rare = |pair: &String| pair.split(" to ").any(|name| matches!(name, "oid" | "name"));
    assert!(lost.iter().all(is_rare), "{lost:?}");
}
