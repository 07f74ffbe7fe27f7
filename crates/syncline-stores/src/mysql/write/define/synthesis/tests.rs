use syncline_core::schema::{Check, Index, IndexColumn, Key, Unique};

use super::*;

fn column(name: &str, declared: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        declared_type: declared.to_owned(),
        kind,
        nullable: true,
        default: None,
        collation: String::new(),
        generated: Generated::No,
        expression: None,
    }
}

fn text(name: &str) -> Column {
    let kind = Kind::Text { max_chars: Some(20), padded: false };
    Column { collation: "utf8mb4_nopad_bin".to_owned(), ..column(name, "varchar(20)", kind) }
}

fn maria() -> Version {
    Version::parse("10.11.6-MariaDB")
}

fn over(names: &[&str]) -> Vec<Option<String>> {
    names.iter().map(|name| Some((*name).to_owned())).collect()
}

#[test]
fn a_table_comes_whole_in_one_statement() {
    let int = Kind::Int { bits: 64 };
    let index_column =
        |name: &str, descending| IndexColumn { name: Some(name.to_owned()), collation: String::new(), descending };
    let unique = |name: &str, columns: &[&str]| Unique {
        name: name.to_owned(),
        columns: over(columns),
        partial: false,
        deferrable: false,
    };
    let table = TableSchema {
        name: "t`s".to_owned(),
        columns: vec![
            Column { nullable: false, ..column("id", "bigint(20)", int.clone()) },
            Column { default: Some("'it''s'".to_owned()), ..text("a") },
            Column { default: Some("'x'".to_owned()), ..column("b", "longtext", Kind::Bytes) },
            column("j", "longtext", Kind::Json { normalised: false }),
            Column {
                generated: Generated::Virtual,
                expression: Some("`id` + 1".to_owned()),
                ..column("next", "bigint(20)", int)
            },
            Column { default: Some("utc_date()".to_owned()), ..column("d", "date", Kind::Date) },
        ],
        primary_key: vec![0],
        key: Some(Key { columns: vec![0], is_rowid: false, collations: vec![String::new()] }),
        counters: vec![],
        uniques: vec![unique("by_a", &["a"]), unique("", &["a", "id"])],
        indexes: vec![
            Index {
                name: "by_a".to_owned(),
                unique: true,
                columns: vec![index_column("a", true)],
                partial: false,
                definition: String::new(),
            },
            Index {
                name: "some".to_owned(),
                unique: false,
                columns: vec![IndexColumn { name: None, ..index_column("b", false) }],
                partial: false,
                definition: "CREATE INDEX `some` ON `t``s` (`b`(10))".to_owned(),
            },
        ],
        checks: vec![Check { expression: "`id` > 0".to_owned() }],
        foreign_keys: vec![ForeignKey {
            columns: vec!["id".to_owned()],
            parent: "p".to_owned(),
            parent_columns: vec!["id".to_owned()],
            on_delete: "CASCADE".to_owned(),
            on_update: "NO ACTION".to_owned(),
        }],
        ..TableSchema::default()
    };
    let expected = "CREATE TABLE `hidden` (
  `id` bigint(20) NOT NULL,
  `a` varchar(20) COLLATE `utf8mb4_nopad_bin` NULL DEFAULT 'it''s',
  `b` longtext NULL DEFAULT 'x',
  `j` longtext COLLATE utf8mb4_bin NULL CHECK (json_valid(`j`)),
  `next` bigint(20) GENERATED ALWAYS AS (`id` + 1) VIRTUAL,
  `d` date NULL DEFAULT (utc_date()),
  PRIMARY KEY (`id`),
  UNIQUE KEY `by_a` (`a` DESC),
  KEY `some` (`b`(10)),
  UNIQUE KEY (`a`, `id`),
  CHECK (`id` > 0),
  FOREIGN KEY (`id`) REFERENCES `p` (`id`) ON DELETE CASCADE ON UPDATE NO ACTION
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin ROW_FORMAT=DYNAMIC";
    assert_eq!(table_definition(&table, "hidden", &maria()).unwrap(), expected);
}

#[test]
fn a_definition_is_taken_over_under_another_name() {
    let definition = "CREATE TABLE `a` (\n  `id` int(11) NOT NULL COMMENT 'x',\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB \
        AUTO_INCREMENT=9 DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci";
    let table = TableSchema { definition: definition.to_owned(), ..TableSchema::default() };
    let expected = "CREATE TABLE `b``` (\n  `id` int(11) NOT NULL COMMENT 'x',\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB \
        DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci";
    assert_eq!(table_definition(&table, "b`", &maria()).unwrap(), expected);
}

#[test]
fn a_column_is_added_with_what_belongs_to_it() {
    let step = NewColumn {
        table: "t".to_owned(),
        column: Column {
            nullable: false,
            default: Some("7".to_owned()),
            ..column("c", "int(11)", Kind::Int { bits: 32 })
        },
        checks: vec![Check { expression: "`c` > 0".to_owned() }],
        reference: None,
    };
    let expected = "ALTER TABLE `t` ADD COLUMN `c` int(11) NOT NULL DEFAULT 7, ADD CHECK (`c` > 0)";
    assert_eq!(add_column("t", &step, &maria()).unwrap(), expected);
}

#[test]
fn defaults_are_constants_the_present_time_or_in_parentheses() {
    let plain =
        ["7", "-7.5", "1e30", "NULL", "'it''s'", "'a\\'b'", "b'0101'", "X'00ff'", "current_timestamp()", "NOW(6)"];
    for default in plain {
        assert_eq!(default_value(&text("a"), default, &maria()), default);
    }
    let others =
        ["uuid()", "'a' || 'b'", "`b`", "now", "current_timestamp(7)", "1 + 1", "'", "current_timestamp() + 1"];
    for default in others {
        assert_eq!(default_value(&text("a"), default, &maria()), format!("({default})"));
    }
    let mysql = Version::parse("8.0.36");
    assert_eq!(default_value(&column("a", "tinytext", Kind::Bytes), "'x'", &mysql), "('x')");
    assert_eq!(default_value(&column("a", "multipoint", Kind::Bytes), "'x'", &mysql), "('x')");
    assert_eq!(default_value(&column("a", "tinytext", Kind::Bytes), "'x'", &maria()), "'x'");
}
