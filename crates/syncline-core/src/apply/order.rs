//! In which order tables are written: referenced tables first for inserts and updates, last for deletes; tables that
//! reference each other in a circle together.

use crate::schema::TableSchema;

/// Tables that must be written in one transaction: one table, or several that reference each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Positions in the list given to [`units`].
    pub tables: Vec<usize>,
    /// The tables reference each other, or the one table references itself, so that no row order satisfies every
    /// reference on the way.
    pub is_circular: bool,
}

/// Groups tables into units, each after all units it references. References to tables that are not in the list are
/// ignored. Tables keep their given order where references do not decide.
///
/// The circles are the strongly connected components of the reference graph, found by Kosaraju's two passes, without
/// recursion because a hostile schema may be thousands of references deep.
pub fn units(tables: &[&TableSchema]) -> Vec<Unit> {
    let parents: Vec<Vec<usize>> = tables.iter().map(|table| parents_of(table, tables)).collect();
    let mut children = vec![Vec::new(); tables.len()];
    for (child, parents) in parents.iter().enumerate() {
        parents.iter().for_each(|parent| children[*parent].push(child));
    }
    let mut placed = vec![false; tables.len()];
    let mut units: Vec<Unit> = Vec::new();
    // In the reversed graph, components come out in the order of the finishing times: children reach their parents
    // first in `parents`, so the first component of the second pass references nothing that comes later.
    for start in finishing_order(&children).into_iter().rev() {
        if placed[start] {
            continue;
        }
        let mut component = reachable(start, &parents, &mut placed);
        component.sort_unstable();
        let is_circular = component.len() > 1 || parents[start].contains(&start);
        units.push(Unit { tables: component, is_circular });
    }
    units
}

/// The positions of the tables, those that are referenced first. What references each other in a circle comes in any order.
pub fn parents_first(tables: &[&TableSchema]) -> Vec<usize> {
    units(tables).into_iter().flat_map(|unit| unit.tables).collect()
}

fn parents_of(table: &TableSchema, tables: &[&TableSchema]) -> Vec<usize> {
    let is_referenced = |other: &TableSchema| table.references_to(&other.name).next().is_some();
    (0..tables.len()).filter(|position| is_referenced(tables[*position])).collect()
}

/// All nodes, each after those that can be reached from it through `edges`. Later nodes are started first, so that the
/// reversed order keeps the given one where nothing else decides.
fn finishing_order(edges: &[Vec<usize>]) -> Vec<usize> {
    let mut visited = vec![false; edges.len()];
    let mut finished = Vec::with_capacity(edges.len());
    for start in (0..edges.len()).rev() {
        if std::mem::replace(&mut visited[start], true) {
            continue;
        }
        let mut path = vec![(start, 0)];
        while let Some((node, next)) = path.last_mut() {
            match edges[*node].get(*next) {
                Some(&to) => {
                    *next += 1;
                    if !std::mem::replace(&mut visited[to], true) {
                        path.push((to, 0));
                    }
                }
                None => {
                    finished.push(*node);
                    path.pop();
                }
            }
        }
    }
    finished
}

fn reachable(start: usize, edges: &[Vec<usize>], placed: &mut [bool]) -> Vec<usize> {
    placed[start] = true;
    let mut found = vec![start];
    let mut next = 0;
    while let Some(&node) = found.get(next) {
        next += 1;
        for &to in &edges[node] {
            if !std::mem::replace(&mut placed[to], true) {
                found.push(to);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::schema::ForeignKey;

    fn table(name: usize, parents: &[usize]) -> TableSchema {
        let foreign_key = |parent: &usize| ForeignKey {
            columns: vec!["parent".to_owned()],
            parent: format!("T{parent}"),
            parent_columns: vec!["id".to_owned()],
            on_delete: "NO ACTION".to_owned(),
            on_update: "NO ACTION".to_owned(),
        };
        TableSchema {
            name: format!("t{name}"),
            foreign_keys: parents.iter().map(foreign_key).collect(),
            ..TableSchema::default()
        }
    }

    fn units_of(parents: &[Vec<usize>]) -> Vec<Unit> {
        let tables: Vec<_> = parents.iter().enumerate().map(|(name, parents)| table(name, parents)).collect();
        units(&tables.iter().collect::<Vec<_>>())
    }

    #[test]
    fn parents_come_first_and_circles_stay_together() {
        // 0 -> 1 -> 2 -> 1, 3 -> 3, 4 alone
        let units = units_of(&[vec![1], vec![2], vec![1], vec![3], vec![]]);
        let expected = [(vec![1, 2], true), (vec![0], false), (vec![3], true), (vec![4], false)];
        let expected: Vec<_> = expected.map(|(tables, is_circular)| Unit { tables, is_circular }).into();
        assert_eq!(units, expected);
    }

    #[test]
    fn names_that_differ_in_case_are_different_where_the_engine_says_so() {
        for (engine, is_circular) in [("sqlite", true), ("postgres", false)] {
            let own = TableSchema { engine, ..table(1, &[1]) };
            assert_eq!(units(&[&own])[0].is_circular, is_circular, "{engine}");
        }
    }

    #[test]
    fn ten_thousand_tables_in_a_chain_need_no_stack() {
        let mut parents: Vec<Vec<usize>> = (0..10_000).map(|table| vec![table + 1]).collect();
        parents.push(vec![]);
        let edges = parents.clone();
        assert_eq!(finishing_order(&edges).first(), Some(&10_000));
    }

    proptest! {
        #[test]
        fn every_table_is_in_one_unit_and_after_its_parents(
            parents in prop::collection::vec(prop::collection::vec(0_usize..8, 0..3), 8),
        ) {
            let units = units_of(&parents);
            let mut unit_of = [usize::MAX; 8];
            for (position, unit) in units.iter().enumerate() {
                for table in &unit.tables {
                    prop_assert_eq!(unit_of[*table], usize::MAX);
                    unit_of[*table] = position;
                }
            }
            for (table, parents) in parents.iter().enumerate() {
                for parent in parents {
                    prop_assert!(unit_of[*parent] <= unit_of[table]);
                    prop_assert!(units[unit_of[table]].is_circular || parent != &table);
                }
            }
        }
    }
}
