//! Tables as the catalog describes them.

use syncline_core::schema::{Column, Generated, Schema, TableSchema};
use syncline_core::value::{Kind, Value};
use syncline_stores::postgres::names::Names;
use syncline_stores::postgres::types::{Reading, declared};
use syncline_stores::postgres::{ConnectOptions, connect, schema};
use syncline_stores::server::Password;
use syncline_testkit::postgres::{Database, fresh_database, samples};

use super::options;

async fn read_with(database: &Database<'_>, default_schema: &str) -> Schema {
    let options = ConnectOptions { database: database.name().to_owned(), ..options(database.cluster()) };
    schema::read(&connect(&options).await.unwrap(), &Names::new(default_schema)).await.unwrap()
}

async fn read(database: &Database<'_>) -> Schema {
    read_with(database, "public").await
}

fn names(schema: &Schema) -> Vec<&str> {
    schema.tables.iter().map(|table| table.name.as_str()).collect()
}

fn column<'t>(table: &'t TableSchema, name: &str) -> &'t Column {
    &table.columns[table.column(name).unwrap()]
}

#[tokio::test]
async fn every_type_has_the_kind_that_its_values_are_of() {
    let database = fresh_database();
    database.psql(&samples::odd_table());
    let schema = read(&database).await;
    let table = schema.table("odd").unwrap();
    for (at, sample) in samples::samples().iter().enumerate() {
        let column = column(table, &format!("c{at}"));
        let is_of_kind = match (&column.kind, &sample.cells[0].1) {
            (Kind::Bool, Value::Bool(_)) | (Kind::Int { .. }, Value::Int(_)) | (Kind::Real { .. }, Value::Real(_)) => {
                true
            }
            (Kind::Decimal { .. }, Value::Decimal(_)) | (Kind::Bytes, Value::Bytes(_)) => true,
            (Kind::Text { .. } | Kind::Enum { .. }, Value::Text(_)) | (Kind::Uuid, Value::Uuid(_)) => true,
            (Kind::Date, Value::Date(_)) | (Kind::Time { .. }, Value::Time(_)) => true,
            (Kind::Timestamp { .. }, Value::Timestamp(_)) | (Kind::Instant { .. }, Value::Instant(_)) => true,
            (Kind::Json { .. }, Value::Json(_)) => true,
            (Kind::Other { type_name }, Value::Other { type_name: expected, .. }) => type_name == expected,
            _ => false,
        };
        assert!(is_of_kind, "{}: {column:?}", sample.column);
    }
}

#[tokio::test]
async fn a_kind_is_declared_as_the_server_itself_declares_it() {
    let database = fresh_database();
    let types = [
        "boolean",
        "smallint",
        "integer",
        "bigint",
        "numeric",
        "numeric(12,4)",
        "real",
        "double precision",
        "text",
        "character varying(60)",
        "character(5)",
        "bpchar",
        "bytea",
        "date",
        "time without time zone",
        "time(3) without time zone",
        "timestamp without time zone",
        "timestamp(0) without time zone",
        "timestamp with time zone",
        "timestamp(2) with time zone",
        "uuid",
        "json",
        "jsonb",
    ];
    let columns: Vec<String> = types.iter().enumerate().map(|(at, name)| format!("c{at} {name}")).collect();
    database.psql(&format!("CREATE TABLE t ({})", columns.join(", ")));
    let schema = read(&database).await;
    for (column, name) in schema.tables[0].columns.iter().zip(types) {
        assert_eq!((column.declared_type.as_str(), declared(&column.kind).as_str()), (name, name));
        assert!(!Reading::of(column).codec.is_cast());
    }
}

#[tokio::test]
async fn domains_are_what_lies_beneath() {
    let database = fresh_database();
    database.psql(
        "CREATE DOMAIN code AS varchar(7) COLLATE \"C\"; CREATE DOMAIN inner_code AS code NOT NULL;
         CREATE DOMAIN place AS oid; CREATE TYPE mood AS ENUM ('b', 'a'); CREATE DOMAIN moods AS mood;
         CREATE TABLE t (a inner_code, b place, c moods, d mood[])",
    );
    let schema = read(&database).await;
    let kinds: Vec<&Kind> = schema.tables[0].columns.iter().map(|column| &column.kind).collect();
    let other = |name: &str| Kind::Other { type_name: name.to_owned() };
    let labels = vec!["b".to_owned(), "a".to_owned()];
    let text = Kind::Text { max_chars: Some(7), padded: false };
    assert_eq!(kinds, [&text, &other("oid"), &Kind::Enum { labels }, &other("public.mood[]")]);
    let a = &schema.tables[0].columns[0];
    assert_eq!((a.declared_type.as_str(), a.nullable, a.collation.as_str()), ("public.inner_code", false, "C"));
    assert_eq!(Reading::of(&schema.tables[0].columns[3]).selected("\"d\""), "\"d\"::text");
}

#[tokio::test]
async fn a_table_is_called_by_its_schema_unless_that_is_the_default() {
    let database = fresh_database();
    database.psql(
        "CREATE SCHEMA sales; CREATE SCHEMA \"odd.one\"; CREATE TABLE orders (id int PRIMARY KEY);
         CREATE TABLE sales.orders (id int PRIMARY KEY REFERENCES public.orders);
         CREATE TABLE \"odd.one\".\"t\" (); CREATE TABLE \"sales.orders\" (); CREATE TABLE \"Orders\" ();
         CREATE TABLE _syncline_own (); CREATE TEMP TABLE mine ();",
    );
    let schema = read(&database).await;
    assert_eq!(names(&schema), ["Orders", "odd.one.t", "orders", "public.sales.orders", "sales.orders"]);
    let quoted = |name: &str| Names::new("public").table(schema.table(name).unwrap()).unwrap();
    assert_eq!(quoted("odd.one.t"), "\"odd.one\".\"t\"");
    assert_eq!(quoted("public.sales.orders"), "\"public\".\"sales.orders\"");
    assert_eq!([quoted("Orders"), quoted("orders")], ["\"public\".\"Orders\"", "\"public\".\"orders\""]);
    assert_eq!(schema.table("sales.orders").unwrap().foreign_keys[0].parent, "orders");
    let schema = read_with(&database, "sales").await;
    assert!(names(&schema).contains(&"orders") && names(&schema).contains(&"public.orders"), "{:?}", names(&schema));
    assert_eq!(schema.table("orders").unwrap().foreign_keys[0].parent, "public.orders");
}

#[tokio::test]
async fn constraints_are_those_that_were_declared() {
    let database = fresh_database();
    database.psql(
        "CREATE TABLE parents (a int, b int, PRIMARY KEY (b, a));
         CREATE TABLE t (gone int, id bigint GENERATED ALWAYS AS IDENTITY, n serial, code text NOT NULL,
            twice int GENERATED ALWAYS AS (n * 2) STORED, x int CHECK (x > 0), y int DEFAULT 7, z text DEFAULT 'a''b',
            name text COLLATE \"C\", PRIMARY KEY (id) INCLUDE (x), UNIQUE (y, x),
            FOREIGN KEY (y, x) REFERENCES parents (b, a) ON DELETE CASCADE ON UPDATE SET NULL);
         ALTER TABLE t DROP COLUMN gone;
         CREATE UNIQUE INDEX t_lower ON t (lower(name), code DESC) WHERE x > 1;
         CREATE INDEX t_code ON t USING btree (code COLLATE \"C\" DESC) INCLUDE (name);
         CREATE INDEX t_hash ON t USING hash (code);",
    );
    let schema = read(&database).await;
    let table = schema.table("t").unwrap();
    let key = table.key.as_ref().unwrap();
    assert_eq!(
        (&key.columns[..], &table.primary_key[..], &key.collations[..]),
        (&[0][..], &[0][..], &[String::new()][..])
    );
    assert!(table.autoincrement && !schema.table("parents").unwrap().autoincrement);
    assert_eq!(schema.table("parents").unwrap().primary_key, [1, 0]);
    let defaults: Vec<Option<&str>> = table.columns.iter().map(|column| column.default.as_deref()).collect();
    let counted = |name| Some(name);
    assert_eq!(
        defaults,
        [
            counted("nextval('public.t_id_seq'::regclass)"),
            counted("nextval('public.t_n_seq'::regclass)"),
            None,
            None,
            None,
            Some("7"),
            Some("'a''b'::text"),
            None,
        ]
    );
    let twice = column(table, "twice");
    assert_eq!((twice.generated, twice.expression.as_deref()), (Generated::Stored, Some("n * 2")));
    assert_eq!(table.checks[0].expression, "x > 0");
    assert_eq!((column(table, "name").collation.as_str(), column(table, "code").collation.as_str()), ("C", "default"));
    let foreign = &table.foreign_keys[0];
    assert_eq!(
        (&foreign.columns[..], &foreign.parent_columns[..]),
        (&["y".to_owned(), "x".to_owned()][..], &["b".to_owned(), "a".to_owned()][..])
    );
    assert_eq!(
        (foreign.parent.as_str(), foreign.on_delete.as_str(), foreign.on_update.as_str()),
        ("parents", "CASCADE", "SET NULL")
    );
    let uniques: Vec<_> =
        table.uniques.iter().map(|unique| (unique.name.as_str(), unique.partial, unique.columns.clone())).collect();
    let of = |name: &str| Some(name.to_owned());
    assert_eq!(uniques, [("t_lower", true, vec![None, of("code")]), ("t_y_x_key", false, vec![of("y"), of("x")])]);
    let indexes: Vec<&str> = table.indexes.iter().map(|index| index.definition.as_str()).collect();
    assert_eq!(indexes[0], "CREATE INDEX t_code ON public.t USING btree (code COLLATE \"C\" DESC) INCLUDE (name)");
    assert_eq!(indexes.len(), 3);
    let code = &table.indexes[0].columns;
    assert_eq!((code.len(), code[0].collation.as_str(), code[0].descending), (1, "C", true));
}

#[tokio::test]
async fn rows_are_told_apart_by_what_is_unique_and_never_null() {
    let database = fresh_database();
    database.psql(
        "CREATE TABLE a (x int NOT NULL, y int NOT NULL); CREATE UNIQUE INDEX a_a ON a (x);
         ALTER TABLE a ADD CONSTRAINT z UNIQUE (y);
         CREATE TABLE b (x int UNIQUE, y int NOT NULL UNIQUE DEFERRABLE, z int NOT NULL);
         CREATE UNIQUE INDEX b_part ON b (z) WHERE z > 0; CREATE UNIQUE INDEX b_expression ON b (abs(z));
         CREATE TABLE c (x int NOT NULL); CREATE UNIQUE INDEX c_x ON c (x);",
    );
    let schema = read(&database).await;
    let key = |name: &str| schema.table(name).unwrap().key.as_ref().map(|key| key.columns.clone());
    assert_eq!((key("a"), key("b"), key("c")), (Some(vec![1]), None, Some(vec![0])), "a constraint comes first");
    assert_eq!(schema.table("a").unwrap().uniques.len(), 1);
}

#[tokio::test]
async fn a_partitioned_table_is_one_and_heirs_are_tables_of_their_own() {
    let database = fresh_database();
    database.psql(
        "CREATE TABLE logs (at date, id int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
         CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (id);
         CREATE TABLE logs_2 PARTITION OF logs_1 DEFAULT; CREATE INDEX \"by ON ONLY at\" ON logs (at);
         CREATE TABLE notes (id int PRIMARY KEY, at date, log int, FOREIGN KEY (log, at) REFERENCES logs (id, at));
         CREATE TABLE base (id int PRIMARY KEY); CREATE TABLE heir (more text) INHERITS (base);
         CREATE UNLOGGED TABLE quick ();",
    );
    let schema = read(&database).await;
    assert_eq!(names(&schema), ["base", "heir", "logs", "notes", "quick"]);
    let logs = schema.table("logs").unwrap();
    assert_eq!(logs.indexes[0].definition, "CREATE INDEX \"by ON ONLY at\" ON public.logs USING btree (at)");
    assert_eq!((logs.key.as_ref().unwrap().columns.clone(), logs.has_heirs), (vec![1, 0], false));
    assert_eq!(schema.table("notes").unwrap().foreign_keys.len(), 1);
    let public = Names::new("public");
    assert_eq!(public.rows_of(schema.table("base").unwrap()).unwrap(), "ONLY \"public\".\"base\"");
    assert_eq!(public.rows_of(logs).unwrap(), "\"public\".\"logs\"");
    assert_eq!(schema.table("heir").unwrap().columns.len(), 2);
}

#[tokio::test]
async fn what_is_not_carried_is_told() {
    let database = fresh_database();
    database.psql(
        "CREATE EXTENSION btree_gist; CREATE SCHEMA app;
         CREATE TABLE t (id serial PRIMARY KEY, during int4range, EXCLUDE USING gist (during WITH &&));
         CREATE VIEW v AS SELECT id FROM t; CREATE MATERIALIZED VIEW app.m AS SELECT 1 AS one;
         CREATE SEQUENCE s; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION fired();
         CREATE TABLE app.heir () INHERITS (t); CREATE TABLE parts (id int) PARTITION BY LIST (id);
         CREATE TABLE part PARTITION OF parts DEFAULT; CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING;
         CREATE POLICY p ON t USING (true);",
    );
    let schema = read(&database).await;
    let found: Vec<_> = schema.not_carried.iter().map(|o| (o.kind, o.name.as_str(), o.table.as_deref())).collect();
    let expected = [
        ("exclusion constraint", "t_during_excl", Some("t")),
        ("inheritance", "app.heir", Some("app.heir")),
        ("materialized view", "app.m", None),
        ("partitioning", "parts", Some("parts")),
        ("policy", "p", Some("t")),
        ("routine", "f", None),
        ("rule", "r", Some("t")),
        ("sequence", "s", None),
        ("trigger", "tr", Some("t")),
        ("view", "v", None),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_table_that_may_not_be_read_is_described_all_the_same() {
    let database = fresh_database();
    let role = format!("{}_plain", database.name());
    database.psql(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'secret'; CREATE SCHEMA closed;
         CREATE TABLE closed.t (id serial PRIMARY KEY, n int DEFAULT 7 CHECK (n > 0));
         CREATE INDEX ON closed.t (n); CREATE TABLE secret (id int PRIMARY KEY);"
    ));
    let own = ConnectOptions { database: database.name().to_owned(), ..options(database.cluster()) };
    let plain = ConnectOptions { user: role.clone(), password: Some(Password::new("secret")), ..own };
    let schema = schema::read(&connect(&plain).await.unwrap(), &Names::new("public")).await.unwrap();
    assert_eq!(format!("{:#?}", schema), format!("{:#?}", read(&database).await));
    assert_eq!(names(&schema), ["closed.t", "secret"]);
    database.psql(&format!("DROP ROLE {role}"));
}
