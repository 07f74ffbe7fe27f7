//! Constraints and options that only one of two tables has.

use super::{Compared, DifferenceKind, HARMLESS, squeezed};
use crate::schema::table::{ForeignKey, TableSchema, Unique};

/// What a constraint of the target that the source has not leads to.
const HOLDS: &str = "rows that break it are held";

impl Compared<'_> {
    /// Adds what only one side demands.
    pub(super) fn constraints(&self, found: &mut Vec<super::Difference>) {
        let table = &self.source.name;
        let mut sides = |kind, (only_source, only_target): (Vec<String>, Vec<String>)| {
            for rule in only_source {
                found.push(self.harmless(kind, None, format!("only the source's {table} has {rule}"), HARMLESS));
            }
            for rule in only_target {
                found.push(self.harmless(kind, None, format!("only the target's {table} has {rule}"), HOLDS));
            }
        };
        sides(DifferenceKind::Unique, one_sided(uniques(self.expected), uniques(self.target)));
        sides(DifferenceKind::ForeignKey, one_sided(references(self.expected), references(self.target)));
        sides(DifferenceKind::Check, one_sided(checks(self.expected), checks(self.target)));
        let option = |name: &str, ours: bool, theirs: bool, effect: &str| {
            let side = if ours { "source" } else { "target" };
            let effect = if ours { HARMLESS } else { effect };
            (ours != theirs).then(|| {
                let what = format!("only the {side}'s {table} is {name}");
                self.harmless(DifferenceKind::Option, None, what, effect)
            })
        };
        let (ours, theirs) = (self.expected, self.target);
        found.extend(option("STRICT", ours.strict, theirs.strict, "rows with values of another type are held"));
        found.extend(option("WITHOUT ROWID", ours.without_rowid, theirs.without_rowid, HARMLESS));
        // Each engine has its own word for that.
        if !self.is_across() {
            found.extend(option("AUTOINCREMENT", ours.autoincrement, theirs.autoincrement, HARMLESS));
        }
    }
}

/// A rule as it is shown, behind the form by which two are the same.
type Rule = (String, String);

fn one_sided(ours: Vec<Rule>, theirs: Vec<Rule>) -> (Vec<String>, Vec<String>) {
    let without = |rules: &[Rule], others: &[Rule]| {
        let is_alone = |rule: &&Rule| !others.iter().any(|other| other.0 == rule.0);
        rules.iter().filter(is_alone).map(|rule| rule.1.clone()).collect()
    };
    (without(&ours, &theirs), without(&theirs, &ours))
}

fn uniques(table: &TableSchema) -> Vec<Rule> {
    table.uniques.iter().map(|unique| unique_rule(table, unique)).collect()
}

fn unique_rule(table: &TableSchema, unique: &Unique) -> Rule {
    let index = table.indexes.iter().find(|index| index.name == unique.name);
    let columns: Option<Vec<&str>> = unique.columns.iter().map(Option::as_deref).collect();
    match (columns, index) {
        (Some(columns), _) if !unique.partial => {
            let mut form: Vec<String> = columns.iter().map(|column| column.to_ascii_lowercase()).collect();
            form.sort();
            (form.join("\n"), format!("UNIQUE ({})", columns.join(", ")))
        }
        // What an expression or a condition means nobody knows, so the text decides.
        (_, Some(index)) if !index.definition.is_empty() => {
            let body = index.definition.find('(').map_or("", |open| &index.definition[open..]);
            (squeezed(body).to_ascii_lowercase(), format!("the unique index {}", index.name))
        }
        _ => (unique.name.clone(), format!("the unique index {}", unique.name)),
    }
}

fn references(table: &TableSchema) -> Vec<Rule> {
    let rule = |key: &ForeignKey| {
        let lower = |names: &[String]| names.join(",").to_ascii_lowercase();
        let form = format!(
            "{}\n{}\n{}\n{}\n{}",
            lower(&key.columns),
            key.parent.to_ascii_lowercase(),
            lower(&key.parent_columns),
            key.on_delete,
            key.on_update
        );
        let mut shown = format!("a reference ({}) to {}", key.columns.join(", "), key.parent);
        for (event, action) in [("DELETE", &key.on_delete), ("UPDATE", &key.on_update)] {
            if !action.eq_ignore_ascii_case("NO ACTION") {
                shown += &format!(" ON {event} {action}");
            }
        }
        (form, shown)
    };
    table.foreign_keys.iter().map(rule).collect()
}

fn checks(table: &TableSchema) -> Vec<Rule> {
    let rule = |expression: &str| (squeezed(expression), format!("CHECK ({expression})"));
    table.checks.iter().map(|check| rule(&check.expression)).collect()
}
