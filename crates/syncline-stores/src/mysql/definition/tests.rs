use syncline_core::schema::ForeignKey;

use super::*;

const PRINTED: &str = "CREATE TABLE `a``b (` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT COMMENT 'the, (key)',
  `it's` enum('a','b\\',','c''d') DEFAULT NULL,
  `seen` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `said` varchar(20) DEFAULT ' ON UPDATE ',
  `hidden` int(11) DEFAULT NULL /*!80023 INVISIBLE */,
  PRIMARY KEY (`id`),
  KEY `by_said` (`said`(3) DESC),
  CONSTRAINT `to (p)` FOREIGN KEY (`id`, `it's`) REFERENCES `p``q` (`x`, `y`) ON DELETE CASCADE,
  CONSTRAINT `away` FOREIGN KEY (`id`) REFERENCES `other`.`t` (`x`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`said` <> ')')
) ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s = (x)' `ENCRYPTED`=YES WITH SYSTEM VERSIONING
 PARTITION BY HASH (`id`) ENGINE=X";

fn key(columns: &[&str], parent: &str) -> ForeignKey {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    let (on_delete, on_update) = ("CASCADE".to_owned(), "NO ACTION".to_owned());
    ForeignKey { columns, parent: parent.to_owned(), parent_columns: Vec::new(), on_delete, on_update }
}

#[test]
fn what_a_server_prints_is_taken_apart_and_put_together() {
    let found = Definition::parse(PRINTED).unwrap();
    assert_eq!(found.parts.len(), 10, "{:?}", found.parts);
    assert_eq!((found.engine, found.is_versioned), ("InnoDB", true));
    assert_eq!(found.dropped, ["ENCRYPTED"]);
    assert_eq!(found.refreshed_columns().collect::<Vec<_>>(), ["seen"]);
    let made = found.statement("`new`");
    assert!(made.starts_with("CREATE TABLE `new` (\n  `id` bigint(20)"), "{made}");
    let tail = ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s = (x)' \
        WITH SYSTEM VERSIONING";
    assert!(made.ends_with(tail), "{made}");
    assert_eq!(Definition::parse(&made).unwrap().parts, found.parts);
}

#[test]
fn references_that_are_not_wanted_go() {
    let mut found = Definition::parse(PRINTED).unwrap();
    found.keep_references(&[key(&["ID", "it's"], "P`q")]);
    let left: Vec<_> = found.parts.iter().filter(|part| part.contains("FOREIGN KEY")).collect();
    assert_eq!((left.len(), left[0].starts_with("CONSTRAINT `to (p)`")), (1, true), "{left:?}");
    found.keep_references(&[key(&["id"], "other.t")]);
    assert_eq!(found.parts.len(), 8);
}

#[test]
fn what_no_server_prints_is_no_definition() {
    let cases = [
        "",
        "CREATE TABLE t (a int)",
        "CREATE TABLE `t` (`a` int",
        "CREATE TABLE `t` LIKE `u`",
        "CREATE TABLE `t`",
        "CREATE TABLE `t` SELECT (1)",
        "CREATE TABLE `t` (`a` int,)",
        "CREATE TABLE `t` ()",
        "CREATE TABLE `t` (`a` int /*!) SELECT 1*/)",
        "CREATE TABLE `t` (`a` int /*!50000 INVISIBLE) SELECT 1 */)",
        "CREATE TABLE `t` (`a` int /* ' */)",
        "CREATE TABLE `t` (`a` int # x\n)",
        "CREATE TABLE `t` (`a` int -- x\n)",
        "CREATE TABLE `t` (`a` varchar(3) DEFAULT 'x)",
        "CREATE OR REPLACE TABLE `t` (`a` int)",
    ];
    for statement in cases {
        assert_eq!(Definition::parse(statement), None, "{statement}");
    }
}

#[test]
fn nothing_behind_the_parentheses_is_carried_out() {
    let found =
        Definition::parse("CREATE TABLE `t` (`a` int) ENGINE=InnoDB DATA DIRECTORY='/tmp' SELECT * FROM x").unwrap();
    assert_eq!(found.statement("`t`"), "CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB");
    assert_eq!(found.dropped, ["DIRECTORY"]);
    let partitioned = "CREATE TABLE `t` (`a` int) ENGINE=InnoDB\n/*!50100 PARTITION BY HASH (`a`) */";
    assert_eq!(
        Definition::parse(partitioned).unwrap().statement("`t`"),
        "CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB"
    );
}
