use syncline_core::schema::{Index, IndexColumn, Schema, Unique};
use syncline_core::value::Coercion;

use super::*;
use crate::mysql::write::define::synthesis;

fn maria() -> Version {
    Version::parse("10.11.6-MariaDB")
}

fn column(name: &str, declared_type: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        declared_type: declared_type.to_owned(),
        kind,
        nullable: true,
        default: None,
        collation: String::new(),
        generated: Generated::No,
        expression: None,
    }
}

fn text(name: &str) -> Column {
    column(name, "text", Kind::Text { max_chars: None, padded: false })
}

fn int(name: &str) -> Column {
    column(name, "integer", Kind::Int { bits: 32 })
}

fn flexible(name: &str, declared_type: &str, coercion: Coercion) -> Column {
    Column { collation: "BINARY".to_owned(), ..column(name, declared_type, Kind::Flexible(coercion)) }
}

fn table(engine: &'static str, columns: Vec<Column>) -> TableSchema {
    TableSchema { name: "t".to_owned(), engine, columns, ..TableSchema::default() }
}

fn keyed(mut table: TableSchema, columns: &[usize]) -> TableSchema {
    let collations = vec![String::new(); columns.len()];
    table.key = Some(Key { columns: columns.to_vec(), is_rowid: false, collations });
    table.primary_key = columns.to_vec();
    columns.iter().for_each(|at| table.columns[*at].nullable = false);
    table
}

fn over(names: &[&str]) -> Vec<IndexColumn> {
    let column =
        |name: &&str| IndexColumn { name: Some((*name).to_owned()), collation: String::new(), descending: false };
    names.iter().map(column).collect()
}

fn index(name: &str, names: &[&str]) -> Index {
    Index { name: name.to_owned(), unique: false, columns: over(names), partial: false, definition: String::new() }
}

fn unique(name: &str, names: &[&str]) -> Unique {
    let columns = names.iter().map(|name| Some((*name).to_owned())).collect();
    Unique { name: name.to_owned(), columns, partial: false, deferrable: false }
}

fn reference(columns: &[&str], parent: &str, parent_columns: &[&str]) -> ForeignKey {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    ForeignKey {
        columns: owned(columns),
        parent: parent.to_owned(),
        parent_columns: owned(parent_columns),
        on_delete: "NO ACTION".to_owned(),
        on_update: "NO ACTION".to_owned(),
    }
}

fn types(table: &TableSchema) -> Vec<&str> {
    table.columns.iter().map(|column| column.declared_type.as_str()).collect()
}

#[test]
fn columns_of_a_key_share_its_bytes() {
    let mut made = keyed(table("postgres", vec![int("a"), text("b"), text("c"), text("d"), text("e")]), &[0, 1, 2]);
    made.columns[1] = column("b", "varchar(20)", Kind::Text { max_chars: Some(20), padded: false });
    made.uniques = vec![unique("u", &["d"])];
    made.indexes = vec![index("by_e", &["e", "a"])];
    let made = translate(&Arc::new(made), &maria());
    assert_eq!(types(&made.table), ["int(11)", "varchar(20)", "varchar(746)", "varchar(768)", "longtext"]);
    assert!(made.left_out.is_empty(), "{:?}", made.left_out);
    let names: Vec<_> = made.table.indexes.iter().map(|index| (&*index.name, &*index.definition)).collect();
    assert_eq!(names, [("by_e", "CREATE INDEX `by_e` ON `t` (`e`(766), `a`)"), ("u", "")]);
    assert_eq!(made.table.indexes[0].columns[0].name, None);
}

#[test]
fn one_column_is_given_numbers() {
    let next =
        |column: Column| Column { nullable: false, default: Some("nextval('s'::regclass)".to_owned()), ..column };
    let made = keyed(table("postgres", vec![next(int("id")), next(int("n")), int("m")]), &[0]);
    let made = translate(&Arc::new(made), &maria());
    assert_eq!(made.left_out, ["the numbers that n is given"]);
    assert_eq!(made.table.counters.iter().map(|counter| &*counter.column).collect::<Vec<_>>(), ["id"]);
    let sql = synthesis::table_definition(&made.table, "t", &maria()).unwrap();
    assert!(sql.contains("`id` int(11) NOT NULL AUTO_INCREMENT,"), "{sql}");

    let mut made = keyed(table("sqlite", vec![flexible("id", "INTEGER", Coercion::Integer)]), &[0]);
    made.columns[0].nullable = true;
    made.key.as_mut().unwrap().is_rowid = true;
    made.checks = vec![Check { expression: "id > 0".to_owned() }];
    let made = translate(&Arc::new(made), &maria());
    assert!(made.table.autoincrement && !made.table.columns[0].nullable);
    assert_eq!(made.left_out, ["CHECK (id > 0)"]);
}

#[test]
fn what_has_no_words_is_told() {
    let mut odd = table(
        "postgres",
        vec![
            column("a", "public.mood", Kind::Enum { labels: vec!["x".to_owned(), "y".to_owned()] }),
            column("b", "public.pair", Kind::Other { type_name: "public.pair".to_owned() }),
            Column {
                generated: Generated::Stored,
                expression: Some("d * 2".to_owned()),
                ..column("c", "integer", Kind::Int { bits: 32 })
            },
            Column { default: Some("random()".to_owned()), ..int("d") },
            column("e", "jsonb", Kind::Json { normalised: true }),
        ],
    );
    odd.checks = vec![Check { expression: "(d > 0)".to_owned() }, Check { expression: "length(b) > 1".to_owned() }];
    odd.indexes = vec![
        Index { partial: true, ..index("some", &["d"]) },
        Index { columns: vec![IndexColumn { name: None, ..over(&["d"])[0].clone() }], ..index("lower", &[]) },
    ];
    odd.foreign_keys = vec![ForeignKey { on_delete: "SET DEFAULT".to_owned(), ..reference(&["d"], "p", &["id"]) }];
    let made = translate(&Arc::new(odd), &maria());
    assert_eq!(
        made.left_out,
        [
            "the type public.pair of b, longtext here",
            "the computation of c",
            "the default of d",
            "index some",
            "index lower",
            "ON DELETE SET DEFAULT of the reference (d) to p",
            "CHECK (length(b) > 1)",
        ]
    );
    assert_eq!(types(&made.table), ["enum('x','y')", "longtext", "int(11)", "int(11)", "longtext"]);
    assert_eq!(made.table.checks, [Check { expression: "`d` > 0".to_owned() }]);
    assert_eq!(made.table.foreign_keys[0].on_delete, "NO ACTION");
    // The server would make an index for the reference by itself.
    assert_eq!(made.table.indexes, [index("d", &["d"])]);
}

#[test]
fn names_are_such_as_the_engine_takes() {
    let mut made = table("postgres", vec![int("a")]);
    let long = "x".repeat(80);
    made.indexes = ["Primary", "by_a", "BY_A", &long, "end ", "\u{1f600}"].map(|name| index(name, &["a"])).to_vec();
    let made = translate(&Arc::new(made), &maria());
    let names: Vec<_> = made.table.indexes.iter().map(|index| index.name.clone()).collect();
    assert_eq!(names, ["_2", "by_a", "BY_A_2", "end", "Primary_2", &"x".repeat(64)]);
}

#[test]
fn a_row_has_room_for_all_columns() {
    let wide = |name: &str| column(name, "varchar(4000)", Kind::Text { max_chars: Some(4_000), padded: false });
    let made = table("postgres", vec![wide("a"), wide("b"), wide("c"), wide("d"), wide("e")]);
    let made = translate(&Arc::new(made), &maria());
    assert_eq!(types(&made.table).iter().filter(|declared| **declared == "longtext").count(), 1);
    assert_eq!(made.left_out.len(), 1, "{:?}", made.left_out);
}

#[test]
fn a_reference_is_between_columns_of_one_type() {
    let among =
        |tables: Vec<TableSchema>| Schema { tables: tables.into_iter().map(Arc::new).collect(), ..Schema::default() };
    let big = keyed(table("postgres", vec![column("id", "bigint", Kind::Int { bits: 64 }), text("code")]), &[0]);
    let mut parent = (*translate(&Arc::new(big), &maria()).table).clone();
    parent.name = "p".to_owned();
    let mut child = table("postgres", vec![int("a"), text("b")]);
    child.foreign_keys =
        vec![reference(&["a"], "p", &[]), reference(&["b"], "p", &["code"]), reference(&["a"], "x", &["y"])];
    let child = translate(&Arc::new(child), &maria()).table;
    let made = settled(&child, &among(vec![parent.clone()]), &maria());
    assert_eq!(made.table.columns[0].declared_type, "bigint(20)");
    assert_eq!(made.table.foreign_keys, [reference(&["a"], "p", &["id"])]);
    assert_eq!(
        made.left_out,
        ["the reference (a) to x: there is no such table", "the reference (b) to p: (code) is not unique there",]
    );
    parent.columns[0].declared_type = "smallint(6)".to_owned();
    let made = settled(&child, &among(vec![parent]), &maria());
    assert_eq!(made.left_out[0], "the reference (a) to p: a is int(11), and id is smallint(6)");
}

#[test]
fn a_definition_is_kept_where_the_server_can_take_it() {
    let mut own = keyed(table(ENGINE, vec![int("id")]), &[0]);
    own.columns[0].declared_type = "int(11)".to_owned();
    own.server = "10.6.1-MariaDB".to_owned();
    own.definition = "CREATE TABLE `t` (\n  `id` int(11) NOT NULL COMMENT 'x',\n  PRIMARY KEY (`id`),\n  \
        CONSTRAINT `c` FOREIGN KEY (`id`) REFERENCES `gone` (`id`)\n) ENGINE=InnoDB AUTO_INCREMENT=3 TABLESPACE=x"
        .to_owned();
    own.foreign_keys = vec![reference(&["id"], "gone", &["id"])];
    let own = Arc::new(own);
    assert!(Arc::ptr_eq(&translate(&own, &maria()).table, &own));
    let made = settled(&own, &Schema::default(), &maria());
    let expected = "CREATE TABLE `t` (\n  `id` int(11) NOT NULL COMMENT 'x',\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB";
    assert_eq!(made.table.definition, expected);
    assert_eq!(made.left_out, ["the reference (id) to gone: there is no such table", "the option TABLESPACE"]);

    let made = settled(&own, &Schema::default(), &Version::parse("8.0.36"));
    assert_eq!((made.table.definition.as_str(), types(&made.table)), ("", vec!["int"]));

    for (engine, is_kept) in [("MyISAM", true), ("SPIDER", false)] {
        let mut other = (*own).clone();
        other.definition = other.definition.replace("InnoDB", engine);
        let made = settled(&Arc::new(other), &Schema::default(), &maria());
        assert_eq!(made.table.definition, if is_kept { expected } else { "" });
        assert_eq!(made.left_out[0], format!("the storage engine {engine}, InnoDB here"));
    }
}

#[test]
fn a_table_of_another_product_is_made_from_its_description() {
    let mut theirs = table(
        ENGINE,
        vec![
            Column {
                collation: "utf8mb4_0900_ai_ci".to_owned(),
                default: Some("'a'".to_owned()),
                ..column("a", "varchar(20)", Kind::Text { max_chars: Some(20), padded: false })
            },
            column("b", "json", Kind::Json { normalised: true }),
            column("c", "bigint unsigned", Kind::Decimal { limit: Some((20, 0)) }),
            Column {
                default: Some("CURRENT_TIMESTAMP(6)".to_owned()),
                ..column("d", "datetime(6)", Kind::Timestamp { digits: 6 })
            },
            column("e", "vector(3)", Kind::Other { type_name: "vector(3)".to_owned() }),
        ],
    );
    theirs.server = "8.0.36".to_owned();
    theirs.checks = vec![Check { expression: "(`c` > 1)".to_owned() }];
    theirs.indexes = vec![
        Index { definition: "CREATE INDEX `x` ON `t` ((`a` + 1))".to_owned(), ..index("x", &[]) },
        Index { definition: "CREATE FULLTEXT INDEX `y` ON `t` (`a`)".to_owned(), ..index("y", &[]) },
    ];
    let made = settled(&Arc::new(theirs), &Schema::default(), &maria());
    assert_eq!(types(&made.table), ["varchar(20)", "longtext", "bigint(20) unsigned", "datetime(6)", "varchar(255)"]);
    assert_eq!(made.table.columns[0].collation, "utf8mb4_uca1400_nopad_ai_ci");
    assert_eq!(made.table.columns[3].default.as_deref(), Some("current_timestamp(6)"));
    assert_eq!(made.table.checks, [Check { expression: "`c` > 1".to_owned() }]);
    assert_eq!(
        made.left_out,
        [
            "the collation utf8mb4_0900_ai_ci of a, utf8mb4_uca1400_nopad_ai_ci here",
            "the type vector(3) of e, varchar(255) here",
            "index x",
        ]
    );
}
