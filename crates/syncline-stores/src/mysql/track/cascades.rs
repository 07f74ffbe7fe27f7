//! Rows that go, or change, with those that they reference. The engine fires no trigger for them, so triggers on the tables that
//! they reference say which they are, while these are still as they were: by then the row that takes them along is locked, and none can
//! come to it any more.

use std::collections::BTreeSet;

use syncline_core::error::Result;
use syncline_core::schema::{Column, TableSchema};

use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::{Connection, quoted};
use crate::mysql::schema::references;

/// Ways by which rows of one table may be reached that are followed one by one. Beyond, the whole table counts as touched.
const WAYS: usize = 32;

/// A reference by which rows change with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// Whose rows change.
    pub(super) child: String,
    pub(super) columns: Vec<String>,
    /// With whose they do. One of another database has that before its name.
    pub(super) parent: String,
    pub(super) parent_columns: Vec<String>,
    /// When one goes.
    pub(super) on_delete: bool,
    /// When what is referenced of one changes.
    pub(super) on_update: bool,
    /// The columns that reference are given the values of those that are referenced.
    pub(super) follows: bool,
}

/// All of a database.
pub(super) async fn edges(connection: &Connection) -> Attempt<Vec<Edge>> {
    let mut edges = Vec::new();
    for (child, keys) in references(connection).await? {
        for key in keys {
            let acts = |action: &str| matches!(action, "CASCADE" | "SET NULL" | "SET DEFAULT");
            edges.push(Edge {
                child: child.clone(),
                columns: key.columns,
                parent: key.parent,
                parent_columns: key.parent_columns,
                on_delete: acts(&key.on_delete),
                on_update: acts(&key.on_update),
                follows: key.on_update == "CASCADE",
            });
        }
    }
    edges.retain(|edge| edge.on_delete || edge.on_update);
    Ok(edges)
}

/// Those by which rows of this table may change, at whatever distance.
pub(super) fn leading_to<'e>(edges: &'e [Edge], table: &str) -> Vec<&'e Edge> {
    let mut reached = BTreeSet::from([table]);
    loop {
        let before = reached.len();
        reached.extend(
            edges.iter().filter(|edge| reached.contains(&*edge.child)).map(|edge| &*edge.parent).collect::<Vec<_>>(),
        );
        if reached.len() == before {
            return edges.iter().filter(|edge| reached.contains(&*edge.child)).collect();
        }
    }
}

/// A way from a table to the one that is tracked.
#[derive(Clone, Debug)]
pub(super) struct Way<'e> {
    /// Where it begins.
    first: &'e Edge,
    /// From one table to the next, the first included. None where the ways are too many, or go in rings: any row may be reached then.
    steps: Vec<&'e Edge>,
    /// What tables on it reference in themselves.
    loops: Vec<&'e Edge>,
}

/// All ways to a table.
pub(super) fn ways<'e>(edges: &'e [Edge], table: &str) -> Vec<Way<'e>> {
    let leading = leading_to(edges, table);
    let (loops, others): (Vec<&Edge>, Vec<&Edge>) = leading.iter().partition(|edge| edge.child == edge.parent);
    let mut ways: Vec<Vec<&Edge>> = Vec::new();
    let mut open: Vec<Vec<&Edge>> = others.iter().filter(|edge| edge.child == table).map(|edge| vec![*edge]).collect();
    let mut is_endless = false;
    while let Some(way) = open.pop() {
        let from = &way[0].parent;
        for edge in others.iter().filter(|edge| edge.child == *from) {
            is_endless |= way.iter().any(|step| step.child == edge.parent || step.parent == edge.parent);
            open.push([vec![*edge], way.clone()].concat());
        }
        ways.push(way);
        is_endless |= ways.len() + open.len() > WAYS;
        if is_endless {
            let anywhere = |first| Way { steps: Vec::new(), first, loops: Vec::new() };
            return leading.into_iter().map(anywhere).collect();
        }
    }
    let own = loops.iter().filter(|edge| edge.child == table).map(|edge| vec![*edge]);
    // From a row of a table on the way that references itself, too.
    let from_loops = loops.iter().filter(|edge| edge.child != table).flat_map(|of| {
        let onwards = ways.iter().filter(|way| way[0].parent == of.child);
        onwards.map(|way| [vec![*of], way.clone()].concat()).collect::<Vec<_>>()
    });
    let all: Vec<_> = own.chain(from_loops).chain(ways.iter().cloned()).collect();
    all.into_iter().map(|steps| Way { first: steps[0], steps, loops: loops.clone() }).collect()
}

impl Way<'_> {
    /// The table where it begins.
    pub(super) fn parent(&self) -> &str {
        &self.first.parent
    }

    pub(super) fn begins_with_delete(&self) -> bool {
        self.first.on_delete
    }

    pub(super) fn begins_with_update(&self) -> bool {
        self.first.on_update
    }

    /// Whether rows at its end may have another key afterwards.
    pub(super) fn moves(&self, key: &[String]) -> bool {
        let Some(last) = self.steps.last() else { return false };
        last.follows && last.columns.iter().any(|column| key.contains(column))
    }

    /// Whether a changed row of the table where it begins changes others, as a condition in its trigger.
    pub(super) fn is_taken(&self, parent: &TableSchema) -> Result<String> {
        let differs = |name: &String| {
            let name = quoted(name)?;
            let column = parent.columns.iter().find(|column| quoted(&column.name).is_ok_and(|of| of == name));
            let bare = |row: &str| match column {
                Some(column) => exactly(column, &format!("{row}.{name}")),
                None => format!("{row}.{name}"),
            };
            Ok(format!("NOT ({} <=> {})", bare("OLD"), bare("NEW")))
        };
        let differ = self.first.parent_columns.iter().map(differs).collect::<Result<Vec<_>>>()?;
        Ok(differ.join(" OR "))
    }

    /// The rows at its end, as `t` behind FROM, and what goes before SELECT; `None` where these may be any. `row` is that of the trigger.
    pub(super) fn rows(&self, key: &[String], row: &str) -> Result<Option<(String, String)>> {
        let Some(last) = self.steps.last() else { return Ok(None) };
        let table = quoted(&last.child)?;
        let is_plain = self.steps.len() == 1 && self.loops.iter().all(|of| of.child != last.child);
        if is_plain {
            return Ok(Some((String::new(), format!("{table} AS t WHERE {}", joined(last, "t", row)?))));
        }
        let mut with = Vec::new();
        for (at, step) in self.steps.iter().enumerate() {
            let loops: Vec<&&Edge> = self.loops.iter().filter(|of| of.child == step.child).collect();
            let next = self.steps.get(at + 1).into_iter().chain(loops.iter().copied());
            let mut columns: BTreeSet<&String> = next.flat_map(|edge| &edge.parent_columns).collect();
            if at + 1 == self.steps.len() {
                columns.extend(key);
            }
            let list =
                columns.iter().map(|name| Ok(format!("t.{}", quoted(name)?))).collect::<Result<Vec<_>>>()?.join(", ");
            let child = quoted(&step.child)?;
            let mut sql = match at {
                0 => format!("SELECT {list} FROM {child} AS t WHERE {}", joined(step, "t", row)?),
                at => format!("SELECT {list} FROM {child} AS t JOIN n{} AS p ON {}", at - 1, joined(step, "t", "p")?),
            };
            for of in loops {
                sql += &format!(" UNION SELECT {list} FROM {child} AS t JOIN n{at} AS p ON {}", joined(of, "t", "p")?);
            }
            with.push(format!("n{at} AS ({sql})"));
        }
        let same = key.iter().map(|name| quoted(name).map(|name| format!("t.{name} = p.{name}")));
        let same = same.collect::<Result<Vec<_>>>()?.join(" AND ");
        let from = format!("(SELECT DISTINCT * FROM n{}) AS p JOIN {table} AS t ON {same}", self.steps.len() - 1);
        Ok(Some((format!("WITH RECURSIVE {} ", with.join(", ")), from)))
    }
}

/// A value as it is told from all others, whatever its collation takes for equal.
pub(super) fn exactly(column: &Column, value: &str) -> String {
    if column.collation.is_empty() { value.to_owned() } else { format!("CAST({value} AS BINARY)") }
}

fn joined(edge: &Edge, child: &str, parent: &str) -> Result<String> {
    let pairs = edge.columns.iter().zip(&edge.parent_columns);
    let same = pairs.map(|(column, of)| Ok(format!("{child}.{} = {parent}.{}", quoted(column)?, quoted(of)?)));
    Ok(same.collect::<Result<Vec<_>>>()?.join(" AND "))
}
