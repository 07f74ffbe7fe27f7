//! What tables look like, and what is not carried.

use syncline_core::schema::{Generated, Index, TableSchema};
use syncline_core::store::Snapshot;
use syncline_core::value::Kind;

use super::desk::Desk;

async fn table(desk: &Desk, name: &str) -> TableSchema {
    (*desk.task(name).await.table).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_what_was_declared() {
    let desk = Desk::with(
        "CREATE TABLE t (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, n integer NOT NULL DEFAULT 7, s varchar(20) CHARACTER SET latin1 DEFAULT 'it''s', \
         c char(3) COLLATE utf8mb4_bin, at timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(), d datetime(3) DEFAULT NULL, \
         u varchar(36) DEFAULT (uuid()), v integer GENERATED ALWAYS AS (n + 1) VIRTUAL, w integer GENERATED ALWAYS AS (n * 2) STORED, \
         j json, e enum('a', 'b,c') NOT NULL DEFAULT 'a', k set('x', 'y'), b bit(4) DEFAULT b'0101', h integer INVISIBLE, bin binary(4), p point)",
    );
    let table = table(&desk, "t").await;
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "n", "s", "c", "at", "d", "u", "v", "w", "j", "e", "k", "b", "h", "bin", "p"]);
    let kinds: Vec<String> = table.columns.iter().map(|column| format!("{:?}", column.kind)).collect();
    let text = |max_chars, padded| format!("{:?}", Kind::Text { max_chars, padded });
    let other = |name: &str| format!("{:?}", Kind::Other { type_name: name.to_owned() });
    let expected = [
        format!("{:?}", Kind::Decimal { limit: Some((20, 0)) }),
        format!("{:?}", Kind::Int { bits: 32 }),
        text(Some(20), false),
        text(Some(3), true),
        format!("{:?}", Kind::Instant { digits: 0 }),
        format!("{:?}", Kind::Timestamp { digits: 3 }),
        text(Some(36), false),
        format!("{:?}", Kind::Int { bits: 32 }),
        format!("{:?}", Kind::Int { bits: 32 }),
        format!("{:?}", Kind::Json { normalised: !desk.database.server().is_mariadb() }),
        format!("{:?}", Kind::Enum { labels: vec!["a".to_owned(), "b,c".to_owned()] }),
        other("set('x','y')"),
        other("bit(4)"),
        format!("{:?}", Kind::Int { bits: 32 }),
        format!("{:?}", Kind::Bytes),
        other("point"),
    ];
    assert_eq!(kinds, expected);
    let column = |name: &str| &table.columns[table.column(name).unwrap()];
    let generated: Vec<Generated> = ["n", "v", "w"].iter().map(|name| column(name).generated).collect();
    assert_eq!(generated, [Generated::No, Generated::Virtual, Generated::Stored]);
    assert!(column("v").expression.as_deref().is_some_and(|text| text.contains("`n` + 1")), "{:?}", column("v"));
    let nullable: Vec<bool> = ["id", "n", "s", "at", "e"].iter().map(|name| column(name).nullable).collect();
    assert_eq!(nullable, [false, false, true, false, false]);
    let defaults: Vec<Option<&str>> =
        ["n", "s", "c", "at", "d", "u", "e", "b"].iter().map(|name| column(name).default.as_deref()).collect();
    assert_eq!(
        defaults,
        [
            Some("7"),
            Some("'it''s'"),
            None,
            Some("current_timestamp()"),
            None,
            Some("uuid()"),
            Some("'a'"),
            Some("b'101'")
        ]
    );
    assert_eq!(column("s").collation, "latin1_swedish_ci");
    assert_eq!(column("c").collation, "utf8mb4_bin");
    assert!(table.autoincrement && table.counters[0].column == "id");
    assert!(table.definition.starts_with("CREATE TABLE `t`"), "{}", table.definition);
    assert!(table.checks.is_empty(), "that a column is JSON is its type: {:?}", table.checks);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_indexes_and_what_is_unique_are_told_apart() {
    let desk = Desk::with(
        "CREATE TABLE t (a integer NOT NULL, b varchar(50) NOT NULL, c text, d integer, g point NOT NULL, PRIMARY KEY (b, a), UNIQUE KEY u (d, a), \
         KEY `pre``fix` (c(10)), KEY down (a DESC, d), FULLTEXT KEY words (c), SPATIAL KEY place (g), UNIQUE KEY part (b(5))); \
         CREATE TABLE nokey (a integer, UNIQUE KEY n (a)); CREATE TABLE chosen (a integer NOT NULL, b integer NOT NULL, UNIQUE KEY z (a), UNIQUE KEY y (b, a))",
    );
    let table_t = table(&desk, "t").await;
    let key = table_t.key.clone().unwrap();
    assert_eq!((key.columns, table_t.primary_key.clone()), (vec![1, 0], vec![1, 0]));
    let unique: Vec<(&str, Vec<Option<&str>>)> = table_t
        .uniques
        .iter()
        .map(|unique| (unique.name.as_str(), unique.columns.iter().map(Option::as_deref).collect()))
        .collect();
    assert_eq!(unique, [("part", vec![None]), ("u", vec![Some("d"), Some("a")])]);
    let index = |name: &str| -> &Index { table_t.indexes.iter().find(|index| index.name == name).unwrap() };
    assert_eq!(index("pre`fix").definition, "CREATE INDEX `pre``fix` ON `t` (`c`(10))");
    assert_eq!(index("down").definition, "CREATE INDEX `down` ON `t` (`a` DESC, `d`)");
    assert_eq!(index("words").definition, "CREATE FULLTEXT INDEX `words` ON `t` (`c`)");
    assert_eq!(index("place").definition, "CREATE SPATIAL INDEX `place` ON `t` (`g`)");
    assert_eq!(index("u").definition, "CREATE UNIQUE INDEX `u` ON `t` (`d`, `a`)");
    assert!(index("words").columns[0].name.is_none() && index("down").columns[0].descending);
    assert!(table(&desk, "nokey").await.key.is_none());
    assert_eq!(table(&desk, "chosen").await.key.unwrap().columns, [1, 0], "the first by name");
    // Each is a statement that makes the index.
    for index in &table_t.indexes {
        desk.database.mariadb(&format!("DROP INDEX `{}` ON t", index.name.replace('`', "``")));
        desk.database.mariadb(&index.definition);
    }
    assert_eq!(table(&desk, "t").await.indexes, table_t.indexes);
}

#[tokio::test(flavor = "multi_thread")]
async fn references_and_conditions_are_read() {
    let desk = Desk::with("");
    let elsewhere = Desk::with("CREATE TABLE far (id integer PRIMARY KEY)");
    let far = elsewhere.database.name();
    desk.database.mariadb(&format!(
        "CREATE TABLE p (a integer, b integer, PRIMARY KEY (a, b)); \
         CREATE TABLE c (id integer PRIMARY KEY, x integer, y integer, f integer, n integer CHECK (n > 0), s varchar(9), \
         CONSTRAINT both_of_them CHECK (n < id OR s <> 'it''s'), FOREIGN KEY (x, y) REFERENCES p (a, b) ON DELETE CASCADE ON UPDATE SET NULL, \
         FOREIGN KEY (f) REFERENCES {far}.far (id))"
    ));
    let table = table(&desk, "c").await;
    assert_eq!(table.foreign_keys.len(), 2);
    let far_key = table.foreign_keys.iter().find(|key| key.columns == ["f"]).unwrap();
    assert_eq!(far_key.parent, format!("{far}.far"));
    let near = table.foreign_keys.iter().find(|key| key.columns == ["x", "y"]).unwrap();
    assert_eq!((near.parent.as_str(), near.parent_columns.join(",").as_str()), ("p", "a,b"));
    assert_eq!((near.on_delete.as_str(), near.on_update.as_str()), ("CASCADE", "SET NULL"));
    assert_eq!(table.checks.len(), 2, "{:?}", table.checks);
    assert!(table.checks.iter().any(|check| check.expression.contains("`n` > 0")), "{:?}", table.checks);
    desk.database.mariadb("DROP TABLE c");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_table_is_named_and_not_carried() {
    let desk = Desk::with(
        "CREATE TABLE t (id integer PRIMARY KEY, n integer); CREATE VIEW v AS SELECT * FROM t; CREATE SEQUENCE s; \
         CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.n = 1; CREATE FUNCTION f() RETURNS integer RETURN 1; \
         CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DO SELECT 1; \
         CREATE TABLE parts (id integer PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2; INSERT INTO parts VALUES (1), (2), (3); \
         CREATE TABLE past (id integer PRIMARY KEY, n integer) WITH SYSTEM VERSIONING; INSERT INTO past VALUES (1, 1); UPDATE past SET n = 2; \
         CREATE TABLE _syncline_checkpoint (id integer PRIMARY KEY); CREATE TABLE m (id integer PRIMARY KEY) ENGINE = MyISAM",
    );
    let mut view = desk.view().await;
    let schema = view.schema().await.unwrap();
    let tables: Vec<&str> = schema.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(tables, ["m", "parts", "past", "t"]);
    let others: Vec<(&str, &str)> = schema.not_carried.iter().map(|other| (other.kind, other.name.as_str())).collect();
    let expected = [
        ("event", "e"),
        ("partitioning", "parts"),
        ("routine", "f"),
        ("sequence", "s"),
        ("trigger", "tr"),
        ("view", "v"),
    ];
    assert_eq!(others, expected);
    // Of a table that keeps its past only the present is read.
    for (name, rows) in [("past", 1), ("parts", 3)] {
        let task = desk.task(name).await;
        assert_eq!(super::desk::scan(&mut view, &task).await.len(), rows, "{name}");
        assert_eq!(super::desk::digests(&mut view, &task).await.len(), rows, "{name}");
        assert_eq!(view.count(&task).await.unwrap(), rows as u64, "{name}");
    }
}

/// The catalog is in no transaction: what came later is left out, and what was made anew is refused rather than read as empty.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_came_after_the_view_is_not_in_it() {
    let desk = Desk::with("CREATE TABLE t (id integer PRIMARY KEY); CREATE TABLE again (id integer PRIMARY KEY)");
    let mut view = desk.view().await;
    desk.database.mariadb(
        "CREATE TABLE late (id integer PRIMARY KEY); DROP TABLE again; CREATE TABLE again (id integer PRIMARY KEY); INSERT INTO again VALUES (1)",
    );
    let schema = view.schema().await.unwrap();
    assert_eq!(schema.tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["again", "t"]);
    let task = syncline_core::change::TableTask::whole(schema.table("again").unwrap().clone());
    let error = super::desk::failure(view.scan(&task).await.unwrap()).await;
    assert_eq!(error.code(), syncline_core::error::Code::TableRebuilt, "{error:?}");
}
