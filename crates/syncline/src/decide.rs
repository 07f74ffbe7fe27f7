//! Deciding what a run will do, table by table, before anything is written.

mod column;
mod decision;
mod lane;
mod link;
mod notes;
mod room;
mod table;
mod touched;

use syncline_core::capture::KeptRows;
use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::TableFilter;
use syncline_core::schema::Schema;
use syncline_core::state::Spool;
use syncline_core::store::Snapshot;

use self::notes::{notes, of_absent, of_definitions};
use crate::drift::{Aligned, align};
use crate::open::Database;
use crate::pairing::Pair;
use crate::request::{RunRequest, Strategy};
use crate::select::{admitted, check_names};
use crate::session::Syncline;
use crate::side_by_side::{Schemas, Views};

pub(crate) use self::decision::{Decided, Decision};
pub(crate) use self::link::Link;
pub(crate) use self::notes::{listed, of_triggers};
pub(crate) use self::room::check_room;

/// The two ends of a decision.
pub(crate) struct Ends<'a> {
    pub(crate) source: &'a mut dyn Snapshot,
    pub(crate) target: &'a mut dyn Snapshot,
}

impl Ends<'_> {
    /// The same two once more.
    pub(crate) fn again(&mut self) -> Ends<'_> {
        Ends { source: &mut *self.source, target: &mut *self.target }
    }
}

impl Syncline {
    /// Reads both sides and decides. Changes go to the spool; nothing is written anywhere else.
    ///
    /// # Errors
    /// When a schema or a name stops the run. What concerns one table only is in [`Decision::refused`].
    pub(crate) async fn decide(
        &self,
        request: &RunRequest,
        between: (&Database, &Database),
        views: &mut Views,
        spool: &dyn Spool,
    ) -> Result<Decision> {
        let filter = TableFilter::parse(&request.tables)?;
        let Schemas { source: source_schema, target: target_schema } = views.schemas().await?;
        let mut ends = views.ends();
        check_names(&filter, &[&source_schema])?;
        let resolved = self.resolve(&request.mapping, &source_schema, &filter).await?;
        let tables = admitted(&source_schema, &filter);
        if tables.is_empty() {
            return Err(nothing_to_carry(&source_schema));
        }
        let Aligned { pairs, absent, refused, notes: drift } =
            align(request, &tables, &target_schema, &resolved, &mut *ends.target).await?;
        if pairs.is_empty() && refused.is_empty() {
            return Err(Error::new(Code::NoTables, "none of the tables is in the target, and none is to be created")
                .leaving("nothing was changed")
                .next("leave --no-create away", "create what is missing"));
        }
        let mut link = match request.strategy {
            Strategy::Incremental => Some(Link::of(request, between, (&source_schema, &pairs), ends.again()).await?),
            _ => None,
        };
        let mut decision = Decision {
            tables: Vec::new(),
            refused,
            notes: notes(&source_schema, &target_schema, &filter, (request.verb, &resolved)),
            absent,
            steps: Vec::new(),
            target_schema,
            resolved,
            refreshes: request.refreshes(),
            is_exact: false,
            decided_at: ends.target.position().await?,
            link: None,
            kept: KeptRows::default(),
        };
        decision.notes.extend(drift);
        decision.notes.extend(of_absent(&decision.absent));
        let basis =
            Basis { target_schema: &decision.target_schema, spool, link: link.as_ref(), between, kept: &decision.kept };
        let decided = self.decide_tables(request, &pairs, views, basis).await;
        for (pair, decided) in pairs.iter().zip(decided) {
            if !pair.left_out.is_empty() {
                let left_out = pair.left_out.iter().map(String::as_str).collect::<Vec<_>>();
                let what = listed(&left_out);
                decision.notes.push(format!("{} is created without {what}", pair.target.table.name));
            }
            match decided? {
                Ok(decided) => {
                    link.iter_mut().for_each(|link| link.reaches(pair, &decided));
                    decision.push(decided);
                }
                Err(error) => decision.refused.push((pair.source.table.name.clone(), error)),
            }
        }
        let written = decision.tables.iter().map(|decided| decided.work.target.table.name.as_str());
        decision.notes.extend(of_triggers(written, &decision.target_schema));
        decision.notes.extend(of_definitions(&decision.tables));
        decision.notes.extend(column::note(&decision.tables));
        // What was touched goes into one transaction: readers of the target see the source as it was at one moment.
        decision.refreshes |= decision.tables.iter().any(|decided| decided.is_incremental());
        decision.link = link;
        Ok(decision)
    }

    /// Decides table by table, several at once where there are views for that. The inner errors are those of single tables.
    async fn decide_tables(
        &self,
        request: &RunRequest,
        pairs: &[Pair],
        views: &mut Views,
        basis: Basis<'_>,
    ) -> Vec<Result<Result<Decided>>> {
        let decide = async |pair: &Pair, ends: Ends<'_>| {
            self.cancel().check()?;
            let name = &pair.source.table.name;
            let decided = self.decide_table(request, pair, ends, basis).await;
            match decided.map_err(|error| error.about(name)) {
                Err(error) if concerns_one_table(error.code()) => {
                    Ok(Err(error.at_if_unsaid(name.as_str()).leaving_if_unsaid("the table is untouched")))
                }
                Err(error) => Err(error.at_if_unsaid(name.as_str()).leaving_if_unsaid("nothing was changed")),
                decided => Ok(decided),
            }
        };
        views.go_through(pairs, |pair| pair.source.is_multiset(), decide).await
    }
}

fn nothing_to_carry(source: &Schema) -> Error {
    let why = match source.tables.len() {
        0 => "the source has no table",
        _ => "--tables leaves none of those in the source",
    };
    Error::new(Code::NoTables, "there is no table to carry").because(why).leaving("nothing was changed")
}

/// What the decisions about all tables rest on.
#[derive(Clone, Copy)]
struct Basis<'a> {
    target_schema: &'a Schema,
    spool: &'a dyn Spool,
    link: Option<&'a Link>,
    between: (&'a Database, &'a Database),
    kept: &'a KeptRows,
}

/// Whether other tables can be read although this one cannot.
pub(crate) fn concerns_one_table(code: Code) -> bool {
    matches!(
        code,
        Code::TableNoKey
            | Code::KeyNull
            | Code::TableDenied
            | Code::TableRebuilt
            | Code::TableNameShared
            | Code::TableNotCreated
            | Code::TextUnreadable
    )
}

fn is_referenced(schema: &Schema, table: &str) -> bool {
    schema.tables.iter().any(|other| other.references_to(table).next().is_some())
}
