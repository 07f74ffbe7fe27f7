//! Two stores that hold the same rows, each in its own words.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::StreamExt;
use syncline_core::change::{Reason, TableTask};
use syncline_core::schema::{ColumnPair, Grade, SchemaStep, TableSchema, contract};
use syncline_core::store::{Share, Store};
use syncline_core::value::{Kind, TableSum, Value, canonical};

use super::rows::{batch, checkpoint, create, digests, encoded, in_key_order, key, read, task_of};
use super::{Factory, Fixture, Lab, PairPromise};
use crate::fixtures::{Cells, ORDERS, orders};

pub(super) const PROMISES: &[PairPromise] = &[
    PairPromise {
        name: "pair: a table translated is what it was said to become",
        check: |labs| Box::pin(translated(labs)),
    },
    PairPromise { name: "pair: what is carried over is the same", check: |labs| Box::pin(carried(labs)) },
    PairPromise {
        name: "pair: what is carried there and back is the same",
        check: |labs| Box::pin(there_and_back(labs)),
    },
    PairPromise { name: "pair: keys of every kind come in one order", check: |labs| Box::pin(ordered(labs)) },
];

/// Where rows come from, and where they go.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    /// Labs of the source's engine.
    pub from: Factory<'a>,
    /// Labs of the target's.
    pub into: Factory<'a>,
}

/// One side of a pair.
struct Side {
    lab: Box<dyn Lab>,
    store: Arc<dyn Store>,
}

impl Side {
    /// With the types of its engine that columns may have: those of a source are not carried.
    async fn of(labs: Factory<'_>) -> Self {
        let lab = labs();
        if let Some(types) = lab.sql(Fixture::SampleTypes) {
            lab.run_sql(&types).await;
        }
        let store = lab.open().await;
        Self { lab, store }
    }

    /// What these tables are. All at once: an engine describes its whole schema each time.
    async fn tables(&self, names: &[String]) -> Vec<Arc<TableSchema>> {
        let schema = self.store.snapshot().await.unwrap().schema().await.unwrap();
        names.iter().map(|name| task_of(&schema, name).table).collect()
    }

    /// The sum as the store reads it.
    async fn sum(&self, task: &TableTask) -> TableSum {
        let mut snapshot = self.store.snapshot().await.unwrap();
        let mut parts = snapshot.sum(task, Share::ALL).await.unwrap();
        let mut sum = TableSum::default();
        while let Some(part) = parts.next().await {
            sum.merge(part.unwrap().sum);
        }
        sum
    }

    /// Creates the tables as this engine would make them.
    async fn make(&self, tables: &[Arc<TableSchema>]) -> Vec<Arc<TableSchema>> {
        let snapshot = self.store.snapshot().await.unwrap();
        let translated: Vec<_> = tables.iter().map(|table| snapshot.translate(table).table).collect();
        let mut writer = self.store.writer().await.unwrap();
        let mut transaction = writer.begin().await.unwrap();
        for table in &translated {
            let index = |index| SchemaStep::CreateIndex { table: table.name.clone(), index };
            let indexes: Vec<_> = table.indexes.iter().cloned().map(index).collect();
            transaction.define(&[SchemaStep::CreateTable(Arc::clone(table))]).await.unwrap();
            transaction.define(&indexes).await.unwrap();
        }
        transaction.commit(&checkpoint("pair", 1)).await.unwrap();
        writer.forget("pair").await.unwrap();
        translated
    }

    /// Puts rows into an empty table; returns the keys of those that it could not take.
    async fn load(&self, task: &TableTask, rows: &[Cells]) -> BTreeSet<Vec<u8>> {
        let mut writer = self.store.writer().await.unwrap();
        let mut transaction = writer.begin().await.unwrap();
        let refused = transaction.load(task, batch(task.columns.len(), rows)).await.unwrap();
        transaction.commit(&checkpoint("pair", 2)).await.unwrap();
        writer.forget("pair").await.unwrap();
        let name = &task.table.name;
        assert!(refused.iter().all(|refusal| refusal.reason == Reason::Type), "{name}: {refused:?}");
        refused.into_iter().map(|refusal| refusal.key).collect()
    }
}

/// The tasks of both sides, and whether every value of the source has a place in the target.
fn tasks(from: &Arc<TableSchema>, into: &Arc<TableSchema>) -> (TableTask, TableTask, bool) {
    let pairs = contract::pair_columns(from, into).unwrap_or_else(|why| panic!("{}: {why:?}", from.name));
    let forms = contract::forms(from, into, &pairs);
    let is_lossless = contract::grades(from, into, &pairs).iter().all(|grade| *grade == Grade::Lossless);
    let side = |table: &Arc<TableSchema>, of: fn(&ColumnPair) -> usize| {
        let columns: Vec<usize> = pairs.iter().map(of).collect();
        let key = into.key.iter().flat_map(|key| &key.columns);
        let key = key.filter_map(|column| pairs.iter().position(|pair| pair.target == *column)).collect();
        TableTask { columns, key, forms: forms.clone(), ..TableTask::whole(Arc::clone(table)) }
    };
    (side(from, |pair| pair.source), side(into, |pair| pair.target), is_lossless)
}

/// Tables `kind_N (id, v)` of the source, one for each type it has, with all kinds of cells.
async fn kinds(side: &Side) -> Vec<String> {
    let mut names = Vec::new();
    for (at, (column, values)) in side.lab.sample_values().into_iter().enumerate() {
        let name = format!("kind_{at}");
        create(&*side.lab, &format!("CREATE TABLE {name} (id $int PRIMARY KEY, v {column})")).await;
        let rows: Vec<Cells> = values.into_iter().zip(0..).map(|(value, id)| vec![Value::Int(id), value]).collect();
        side.lab.insert(&name, &rows).await;
        names.push(name);
    }
    names
}

/// What a table is, without what an engine words as it likes: statements, the names of constraints, and the quotes and
/// parentheses of conditions.
fn described(table: &TableSchema) -> String {
    let mut table = table.clone();
    table.definition.clear();
    table.indexes.iter_mut().for_each(|index| index.definition.clear());
    let is_index = |name: &str| table.indexes.iter().any(|index| index.name == name);
    table.uniques.iter_mut().filter(|unique| !is_index(&unique.name)).for_each(|unique| unique.name.clear());
    table.checks.iter_mut().for_each(|check| check.expression.retain(|c| !matches!(c, '"' | '(' | ')')));
    format!("{table:#?}")
}

async fn translated(pair: Pair<'_>) {
    let (from, into) = (Side::of(pair.from).await, Side::of(pair.into).await);
    let mut names = kinds(&from).await;
    // The referenced one first: a reference to a table that is not there yet is not every engine's affair.
    for ddl in [
        ORDERS,
        "CREATE TABLE entries (o $int NOT NULL, line $int NOT NULL DEFAULT 1, price $real DEFAULT 1.5, \
         note $text DEFAULT 'it''s; new', PRIMARY KEY (line, o), UNIQUE (price, line), \
         FOREIGN KEY (o) REFERENCES orders (id) ON DELETE CASCADE)",
        "CREATE INDEX entries_by_note ON entries (note, price DESC)",
        "CREATE TABLE loose (n $int, note $text)",
        "CREATE TABLE \"Odd name's\" (\"the key\" $int PRIMARY KEY, \"select\" $text, \"\u{fc}\" $real)",
    ] {
        create(&*from.lab, ddl).await;
    }
    names.extend(["orders", "entries", "loose", "Odd name's"].map(str::to_owned));
    let tables = from.tables(&names).await;
    let told = into.make(&tables).await;
    let made = into.tables(&names).await;
    for (((name, table), told), made) in names.iter().zip(&tables).zip(&told).zip(&made) {
        let (made_as, told_as) = (described(made), described(told));
        let differs = made_as.lines().zip(told_as.lines()).find(|(made, told)| made != told);
        assert!(made_as == told_as, "{name}: {differs:?} in {made_as}");
        assert_eq!(made.columns.len(), table.columns.len(), "{name}");
        tasks(table, made);
    }
}

async fn carried(pair: Pair<'_>) {
    let (from, into) = (Side::of(pair.from).await, Side::of(pair.into).await);
    let mut names = kinds(&from).await;
    create(&*from.lab, ORDERS).await;
    from.lab.insert("orders", &orders(7, 500)).await;
    names.push("orders".to_owned());
    let tables = from.tables(&names).await;
    into.make(&tables).await;
    for ((name, table), made) in names.iter().zip(&tables).zip(&into.tables(&names).await) {
        let (source, target, is_lossless) = tasks(table, made);
        let rows = read(&from.store, &source).await;
        let refused = into.load(&target, &rows).await;
        let declared = table.columns.iter().map(|column| &*column.declared_type).collect::<Vec<_>>().join(", ");
        assert!(refused.is_empty() || !is_lossless, "{name} ({declared}): {refused:?}");
        let there: Vec<Cells> = rows.into_iter().filter(|row| !refused.contains(&key(&source, row))).collect();
        same(&target, &read(&into.store, &target).await, &there, &format!("{name} ({declared})"));
        if refused.is_empty() {
            assert_eq!(into.sum(&target).await, from.sum(&source).await, "{name} ({declared})");
            let seen = async |side: &Side, task| digests(&mut *side.store.snapshot().await.unwrap(), task).await;
            assert_eq!(seen(&into, &target).await, seen(&from, &source).await, "{name} ({declared})");
        }
    }
}

/// Whether rows are alike by the equality of the task.
fn same(task: &TableTask, found: &[Cells], expected: &[Cells], what: &str) {
    let mark = |row: &Cells| task.digest(row.iter().map(Value::as_ref), &mut Vec::new());
    for (found, expected) in found.iter().zip(expected) {
        assert!(mark(found) == mark(expected), "{what}: {found:?} is not {expected:?}");
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}

async fn there_and_back(pair: Pair<'_>) {
    let (from, into, back) = (Side::of(pair.from).await, Side::of(pair.into).await, Side::of(pair.from).await);
    let names = kinds(&from).await;
    kinds(&back).await;
    let (tables, home) = (from.tables(&names).await, back.tables(&names).await);
    into.make(&tables).await;
    for (((name, table), made), home) in names.iter().zip(&tables).zip(&into.tables(&names).await).zip(&home) {
        let (source, target, _) = tasks(table, made);
        let refused = into.load(&target, &read(&from.store, &source).await).await;
        // Into a table like the first one, where every cell that has left there has a place.
        back.lab.run_sql(&format!("DELETE FROM {name}")).await;
        let (source, target, _) = tasks(made, home);
        let not_back = back.load(&target, &read(&into.store, &source).await).await;
        let sql = format!("SELECT id, v FROM {name} ORDER BY id");
        let left = |row: &Cells| !refused.contains(&key(&source, row));
        let expected: Vec<Cells> = from.lab.query(&sql).await.into_iter().filter(left).collect();
        assert!(not_back.is_empty(), "{name} ({}): {not_back:?}", table.columns[1].declared_type);
        same(&target, &back.lab.query(&sql).await, &expected, &format!("{name} ({})", table.columns[1].declared_type));
    }
}

/// Whether cells of this kind can be keys, and all those of a column are of one kind.
fn is_key(kind: &Kind) -> bool {
    !matches!(kind, Kind::Flexible(_) | Kind::Json { .. } | Kind::Other { .. } | Kind::Text { padded: true, .. })
}

async fn ordered(pair: Pair<'_>) {
    let (from, into) = (Side::of(pair.from).await, Side::of(pair.into).await);
    let kinds = kinds(&from).await;
    let (mut names, mut columns) = (Vec::new(), Vec::new());
    for (table, (column, values)) in from.tables(&kinds).await.into_iter().zip(from.lab.sample_values()) {
        if !is_key(&table.columns[1].kind) || !from.lab.can_be_key(column) {
            continue;
        }
        let name = table.name.replace("kind", "key");
        create(&*from.lab, &format!("CREATE TABLE {name} (v {column} NOT NULL PRIMARY KEY, n $int)")).await;
        // Values that are equal to the engine are one key; huge ones are none.
        let mut known = BTreeSet::new();
        let mut is_new = |value: &Value| {
            let mut bytes = Vec::new();
            canonical::encode(value.as_ref(), &mut bytes);
            bytes.len() < 2_000 && known.insert(bytes)
        };
        let values = values.into_iter().filter(|value| *value != Value::Null && is_new(value));
        let rows: Vec<Cells> = values.zip(0..).map(|(value, n)| vec![value, Value::Int(n)]).collect();
        from.lab.insert(&name, &rows).await;
        names.push(name);
        columns.push(column);
    }
    let tables = from.tables(&names).await;
    into.make(&tables).await;
    for (((name, column), table), made) in names.iter().zip(columns).zip(&tables).zip(&into.tables(&names).await) {
        let (source, target, is_lossless) = tasks(table, made);
        let rows = read(&from.store, &source).await;
        let refused = into.load(&target, &rows).await;
        assert!(refused.is_empty() || !is_lossless, "{name} ({column}): {refused:?}");
        let keys = |all: Vec<(Cells, _)>| all.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        let mut ours = keys(digests(&mut *from.store.snapshot().await.unwrap(), &source).await);
        let theirs = keys(digests(&mut *into.store.snapshot().await.unwrap(), &target).await);
        assert_eq!(ours, in_key_order(&source, rows).into_iter().map(|row| vec![row[0].clone()]).collect::<Vec<_>>());
        ours.retain(|key| !refused.contains(&encoded(key)));
        assert_eq!(ours.len(), theirs.len(), "{name} ({column})");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            same(&source, std::slice::from_ref(theirs), std::slice::from_ref(ours), &format!("{name} ({column})"));
            assert!(super::rows::compare(ours, theirs).is_eq(), "{name} ({column}): {ours:?}, {theirs:?}");
        }
    }
}
