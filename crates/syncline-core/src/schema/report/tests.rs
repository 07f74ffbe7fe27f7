use super::super::table::{Check, ForeignKey, Key, Unique};
use super::*;
use crate::value::{Coercion, Kind};

fn column(name: &str, declared: &str, coercion: Coercion) -> Column {
    Column {
        name: name.to_owned(),
        declared_type: declared.to_owned(),
        kind: Kind::Flexible(coercion),
        nullable: true,
        default: None,
        collation: "BINARY".to_owned(),
        generated: Generated::No,
        expression: None,
    }
}

fn table(columns: Vec<Column>) -> TableSchema {
    let mut all = vec![column("id", "INTEGER", Coercion::Integer)];
    all.extend(columns);
    TableSchema {
        name: "t".to_owned(),
        columns: all,
        key: Some(Key { columns: vec![0], is_rowid: true, collations: vec!["BINARY".to_owned()] }),
        ..TableSchema::default()
    }
}

fn compared(source: &TableSchema, target: &TableSchema, refused: &[&str]) -> Vec<Difference> {
    let names: Vec<_> = source.columns.iter().map(|column| Some(column.name.clone())).collect();
    let refused = refused.iter().map(|name| ((*name).to_owned(), "it says so".to_owned())).collect();
    let widened = Widened { table: target.clone().into(), added: Vec::new(), refused };
    Compared { source, names: &names, expected: source, target, widened: Some(&widened), one_sided: OneSided::Refused }
        .differences()
}

fn kinds(found: &[Difference]) -> Vec<(DifferenceKind, Severity, bool)> {
    found.iter().map(|difference| (difference.kind, difference.severity, difference.stops)).collect()
}

#[test]
fn equal_tables_have_no_differences() {
    let one = table(vec![column("a", "TEXT", Coercion::Text)]);
    assert_eq!(compared(&one, &one, &[]), []);
}

#[test]
fn a_missing_column_is_minor_where_it_can_be_added() {
    use DifferenceKind::ColumnMissing;
    let source = table(vec![column("a", "TEXT", Coercion::Text), column("b", "TEXT", Coercion::Text)]);
    let found = compared(&source, &table(Vec::new()), &["b"]);
    assert_eq!(kinds(&found), [(ColumnMissing, Severity::Minor, true), (ColumnMissing, Severity::Major, true)]);
    assert_eq!(found[0].remedy, "--schema add adds it");
    assert_eq!(found[1].remedy, "it cannot be added by itself: it says so");
}

#[test]
fn one_missing_and_one_extra_of_a_type_may_be_a_rename() {
    let source = table(vec![column("a", "TEXT", Coercion::Text), column("n", "INT", Coercion::Integer)]);
    let target = table(vec![column("b", "text", Coercion::Text), column("r", "REAL", Coercion::Real)]);
    let found = compared(&source, &target, &[]);
    let remedy = |name: &str| {
        let of_column = |difference: &&Difference| difference.column.as_deref() == Some(name);
        found.iter().find(of_column).unwrap()
    };
    assert_eq!(remedy("a").remedy, "it may be b in the target, under a new name");
    assert_eq!([&remedy("a").rename, &remedy("b").rename], [&Some("t.a=b".to_owned()); 2]);
    assert_eq!((remedy("a").severity, remedy("n").severity), (Severity::Major, Severity::Minor));
    assert_eq!(remedy("r").remedy, "--schema ignore leaves it as it is");
    // Of two nobody can tell which it was.
    let mut two = source.clone();
    two.columns.push(column("c", "TEXT", Coercion::Text));
    assert!(compared(&two, &target, &[]).iter().all(|difference| difference.rename.is_none()));
}

#[test]
fn what_does_not_stop_is_told_all_the_same() {
    use DifferenceKind::{Check as CheckKind, Collation, Default, ForeignKey as Reference, NotNull, Option, TypeName};
    let source = table(vec![column("a", "TEXT", Coercion::Text)]);
    let mut theirs = column("a", "VARCHAR(9)", Coercion::Text);
    theirs.nullable = false;
    theirs.default = Some("'x'".to_owned());
    theirs.collation = "NOCASE".to_owned();
    let mut target = table(vec![theirs]);
    target.strict = true;
    target.uniques =
        vec![Unique { name: "u".to_owned(), columns: vec![Some("A".to_owned())], partial: false, deferrable: false }];
    target.checks = vec![Check { expression: "a  > 'b'".to_owned() }];
    target.foreign_keys = vec![ForeignKey {
        columns: vec!["a".to_owned()],
        parent: "p".to_owned(),
        parent_columns: vec!["a".to_owned()],
        on_delete: "CASCADE".to_owned(),
        on_update: "NO ACTION".to_owned(),
    }];
    let found = compared(&source, &target, &[]);
    let expected = [TypeName, NotNull, Default, Collation, DifferenceKind::Unique, Reference, CheckKind, Option];
    assert_eq!(found.iter().map(|difference| difference.kind).collect::<Vec<_>>(), expected);
    assert!(found.iter().all(|difference| !difference.stops && difference.severity == Severity::Minor));
    let backwards = compared(&target, &source, &[]);
    assert_eq!(backwards.len(), found.len());
    assert!(backwards.iter().skip(4).all(|difference| difference.remedy == HARMLESS), "{backwards:#?}");
    target.uniques[0].columns = vec![Some("a".to_owned())];
    target.checks[0].expression = "a > 'b'".to_owned();
    assert_eq!(compared(&target, &target.clone(), &[]), []);
}

#[test]
fn how_engines_spell_the_same_thing_is_no_difference() {
    let next = |sequence: &str| Some(format!("nextval('{sequence}'::regclass)"));
    let mut source = TableSchema { engine: "sqlite", primary_key: vec![0], ..table(Vec::new()) };
    let mut target = TableSchema { engine: "postgres", autoincrement: true, ..table(Vec::new()) };
    target.columns[0].default = next("public.g_id_seq");
    assert_eq!(compared(&source, &target, &[]), []);
    source.columns[0].default = next("public.t_id_seq");
    assert_eq!(compared(&source, &target, &[]), []);
    // Beside the key, and within one engine, it is one.
    source.columns[0].default = None;
    source.primary_key.clear();
    assert_eq!(compared(&source, &target, &[])[0].kind, DifferenceKind::Default);
    (source.engine, source.primary_key) = ("postgres", vec![0]);
    let within: Vec<_> = compared(&source, &target, &[]).iter().map(|difference| difference.kind).collect();
    assert_eq!(within, [DifferenceKind::Default, DifferenceKind::Option]);
}

#[test]
fn what_is_no_text_is_compared_by_no_collation() {
    let source = table(vec![Column { collation: String::new(), ..column("a", "INT", Coercion::Integer) }]);
    let target = table(vec![Column { collation: "default".to_owned(), ..column("a", "INT", Coercion::Integer) }]);
    assert_eq!(compared(&source, &target, &[]), []);
    assert_eq!(compared(&target, &source, &[]), []);
}
