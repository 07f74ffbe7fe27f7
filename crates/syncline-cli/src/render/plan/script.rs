//! The plan as an SQL script.

use syncline::error::{Code, Error, Result};
use syncline::plan::{Holds, Plan, PlanLoad, PlanRange, PlanSink, PlanTable};
use syncline::request::Verb;
use syncline::row_difference::RowDifference;
use syncline::{Clash, Operation, limits, sql_of};

use crate::output::Output;
use crate::render::labels::Labels;
use crate::render::script::{by_shell, end, left_out, of_constraints, of_triggers, opening};
use crate::render::spool::Spool;
use crate::render::text::escape;

/// The view.
pub(super) struct Script {
    output: Output,
    labels: Labels,
    /// What completes the tables that are made, until all rows are there: their references and indexes.
    completions: Vec<String>,
    /// What is deleted, until all else is written: rows that are gone may be referenced until then.
    deletes: Spool,
    /// A copy leaves rows of the target that clash with rows of the source; a mirror deletes them.
    clash: Clash,
    rows: u64,
    left_out: u64,
}

impl Script {
    /// A view of one plan.
    pub(super) fn new(output: Output, labels: Labels) -> Self {
        let (completions, deletes) = (Vec::new(), Spool::new());
        Self { output, labels, completions, deletes, clash: Clash::Fails, rows: 0, left_out: 0 }
    }

    /// Statements that come before the rows. What completes new tables is kept for the end.
    fn definitions(&mut self, plan: &Plan) -> String {
        let mut definitions = String::new();
        for table in &plan.tables {
            if let Some(error) = &table.error {
                definitions += &format!("-- {} is left out: {}\n", escape(&table.table), escape(&error.what));
            }
            table.alters.iter().for_each(|statement| definitions += &format!("{statement};\n"));
            if let Some((create, completions)) = table.creates.split_first() {
                definitions += &format!("{create};\n");
                self.completions.extend_from_slice(completions);
            }
        }
        definitions
    }
}

impl PlanSink for Script {
    fn plan(&mut self, plan: &Plan) -> Result<()> {
        if let Some(table) = plan.tables.iter().find(|table| is_too_long(table)) {
            let what = format!("the plan of {} is too long for a script, it holds no single rows", table.table);
            return Err(Error::new(Code::UsageInvalid, what)
                .leaving("nothing was changed")
                .next("syncline diff SOURCE TARGET --format sql", "write a script of any length"));
        }
        if plan.request.verb == Verb::Mirror {
            self.clash = Clash::Evicts;
        }
        let dialect = plan.target.dialect();
        let (by_shell, opening) = (by_shell(dialect), opening(dialect, &self.definitions(plan)));
        let (source, target) = (&self.labels.source, &self.labels.target);
        let triggers = of_triggers(dialect, target, "apply");
        let constraints = of_constraints(dialect, source, target);
        self.output.stream(&format!(
            "-- What a {} from {source} to {target} would do, as both were when planned. Run it on {target}\n\
             {by_shell}\
             -- It checks nothing: `syncline apply` refuses a plan whose rows were changed, and can be taken back.\n\
             {triggers}\
             {constraints}.\n\
             {opening}",
            plan.request.verb.name()
        ))
    }

    fn row(&mut self, row: RowDifference, _digest: Option<u128>) -> Result<()> {
        if let Some(comment) = left_out(&row) {
            self.left_out += 1;
            return self.output.stream(&comment);
        }
        self.rows += 1;
        let statement = sql_of(&row, self.clash)? + "\n";
        match row.operation {
            Operation::Delete => self.deletes.put(&row.table, &statement),
            Operation::Insert | Operation::Update => self.output.stream(&statement),
        }
    }

    fn range(&mut self, _range: PlanRange) -> Result<()> {
        Ok(())
    }

    fn load(&mut self, _load: PlanLoad) -> Result<()> {
        Ok(())
    }

    fn wants_parents_first(&self) -> bool {
        true
    }

    fn end(&mut self) -> Result<()> {
        self.completions.iter().try_for_each(|statement| self.output.stream(&format!("{statement};\n")))?;
        self.deletes.take_backwards(&self.output)?;
        self.output.stream(&end(self.rows, self.left_out))?;
        self.output.flush()
    }
}

fn is_too_long(table: &PlanTable) -> bool {
    table.holds == Holds::Ranges || (table.holds == Holds::Load && table.insert > limits::PLAN_ROWS_MAX)
}
