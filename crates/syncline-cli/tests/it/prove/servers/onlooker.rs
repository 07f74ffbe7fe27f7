//! Readers of a target on a server that never rest: a REPEATABLE READ transaction that looks twice, one that touches no
//! table until long after it began, and fresh looks at what is committed. See also `reader`, which is the same for a file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::children;
use super::content::{TABLES, Table};
use super::engine::{Database, Engine};
use super::soundness::{REFERENCES, dangling};

/// What the readers have seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) looks: u64,
    /// Looks that found the server down.
    pub(crate) down: u64,
    /// Looks at a target between its two states.
    pub(crate) midway: u64,
    /// Looks at it as it was and is to be.
    pub(crate) settled: u64,
    /// Looks of which one table was seen midway through a refresh, which is one step for all.
    pub(crate) longest: Duration,
}

/// What a reader looks at.
pub(crate) struct Onlooker<'d> {
    pub(crate) database: &'d Database<'d>,
    /// Tables that were there when the work began, and those that were not.
    pub(crate) there: Vec<&'static Table>,
    pub(crate) missing: Vec<&'static Table>,
    /// A table beside the mirror has rows that reference rows of it.
    pub(crate) has_children: bool,
    /// All goes in one step, whether forth or back.
    pub(crate) is_one_step: bool,
}

/// What is counted of one table.
struct Counted<'l> {
    name: &'l str,
    rows: u64,
    stray: u64,
    only_old: u64,
    only_new: u64,
    missing: u64,
    old: u64,
    new: u64,
}

impl Onlooker<'_> {
    /// Reads until it is told to stop. The schemas `was` and `will` hold what was and what is to be.
    ///
    /// # Panics
    /// When it sees what nobody may see.
    pub(crate) fn read(&self, stop: &AtomicBool) -> Seen {
        let mut seen = Seen::default();
        let engine = self.database.engine();
        let Engine { begin, stay, .. } = engine;
        let look: String = self.there.iter().map(|table| counting(table, engine)).chain([self.references()]).collect();
        let mark = "\nSELECT '<';\n";
        let twice = format!("{begin}\n{look}{mark}{stay}{mark}{look}COMMIT;");
        // A table that is emptied other than row by row shows nothing to a transaction that began before and comes to it after.
        let late = format!("{begin}\n{stay}{mark}{look}COMMIT;");
        let script = format!("{mark}{twice}{mark}{late}{mark}{look}");
        while !stop.load(Ordering::Acquire) {
            let began = Instant::now();
            let finished = self.database.try_run(&script);
            if finished.code != Some(0) {
                assert!(self.database.is_gone(&finished), "a reader failed: {}", finished.stderr);
                seen.down += 1;
                // Nothing else goes on while there is no server.
                std::thread::sleep(Duration::from_millis(10));
                continue;
            }
            seen.longest = seen.longest.max(began.elapsed());
            let looks: Vec<&str> = finished.stdout.split("<\n").skip(1).collect();
            let [first, _, second, _, late, fresh] = looks[..] else { panic!("{}", finished.stdout) };
            assert_eq!(first, second, "what a transaction sees has changed");
            self.judge(first, true, &mut seen);
            self.judge(late, true, &mut seen);
            self.judge(fresh, false, &mut seen);
            self.look_at_missing();
        }
        seen
    }

    /// Rows that point at nothing, where both tables are there, and children that are gone.
    fn references(&self) -> String {
        let is_there = |name: &str| self.there.iter().any(|table| table.name == name);
        let both = REFERENCES.iter().filter(|(child, _, parent)| is_there(child) && is_there(parent));
        let dangling = both.map(|(child, column, parent)| dangling(child, column, parent));
        dangling.chain(self.has_children.then(|| children::LOST.to_owned())).collect()
    }

    fn judge(&self, look: &str, is_of_one_instant: bool, seen: &mut Seen) {
        let (mut has_old, mut has_new) = (false, false);
        for line in look.lines() {
            let Some(counted) = parse(line) else {
                assert_eq!(line, "0", "rows reference nothing, or are gone with what they referenced");
                continue;
            };
            let Counted { name, rows, stray, only_old, only_new, missing, old, new } = counted;
            assert_eq!(stray, 0, "rows of {name} that were never there nor will be");
            assert_eq!(missing, 0, "rows of {name} are missing that only changed, or not even that");
            assert!(rows > 0 || old == 0 || new == 0, "{name} is empty, had {old} rows and is to have {new}");
            assert!(old > 0 || rows == 0 || rows == new, "{rows} of {new} rows of {name} are loaded");
            assert!(new > 0 || rows == 0 || rows == old, "{rows} of {old} rows of {name} are taken back");
            has_old |= only_old > 0;
            has_new |= only_new > 0;
        }
        let is_midway = has_old && has_new;
        assert!(!(is_midway && self.is_one_step && is_of_one_instant), "a refresh is half done\n{look}");
        seen.looks += 1;
        seen.midway += u64::from(is_midway);
        seen.settled += u64::from(has_old != has_new);
    }

    /// Tables that come into being: with all their rows, or with none.
    fn look_at_missing(&self) {
        for table in &self.missing {
            let name = table.name;
            let finished = self
                .database
                .try_run(&format!("SELECT concat_ws('|', count(*), (SELECT count(*) FROM will.{name})) FROM {name}"));
            match (finished.code, finished.stdout.trim().split_once('|')) {
                (Some(0), Some((here, new))) => {
                    assert!(here == "0" || here == new, "{here} of {new} rows of the new table {name}");
                }
                _ => assert!(
                    self.database.is_gone(&finished) || finished.stderr.contains(self.database.engine().no_table),
                    "a reader failed: {}",
                    finished.stderr
                ),
            }
        }
    }
}

fn parse(line: &str) -> Option<Counted<'_>> {
    let cells: Vec<&str> = line.split('|').collect();
    let [name, numbers @ ..] = cells.as_slice() else { return None };
    let numbers: Vec<u64> = numbers.iter().map(|number| number.parse().unwrap()).collect();
    let [rows, stray, only_old, only_new, missing, old, new] = numbers[..] else { return None };
    Some(Counted { name, rows, stray, only_old, only_new, missing, old, new })
}

/// Compares a table, row by row, with what it was and what it is to be.
fn counting(table: &Table, engine: &Engine) -> String {
    let name = table.name;
    let same = |columns: &[&str], one: &str, other: &str, operator: &str| {
        let pairs = columns.iter().map(|column| format!("{one}.{column} {operator} {other}.{column}"));
        pairs.collect::<Vec<_>>().join(" AND ")
    };
    let bound = table.bound();
    let sizes = format!("(SELECT count(*) FROM was.{name}), (SELECT count(*) FROM will.{name})");
    if table.key.is_empty() {
        return counting_copies(table, &sizes);
    }
    let row = format!("{} AND {}", same(table.key, "s", "t", "="), same(table.others, "s", "t", engine.same));
    let of = |schema: &str| format!("EXISTS (SELECT 1 FROM {schema}.{name} AS s WHERE {row})");
    let (is_old, is_new) = (of("was"), of("will"));
    let in_both = format!("was.{name} AS o JOIN will.{name} AS n ON {}", same(table.key, "n", "o", "="));
    let here = same(table.key, "t", "o", "=");
    format!(
        "SELECT concat_ws('|', '{name}', count(*), count(CASE WHEN NOT is_old AND NOT is_new THEN 1 END),
             count(CASE WHEN is_old AND NOT is_new THEN 1 END), count(CASE WHEN is_new AND NOT is_old THEN 1 END),
             (SELECT count(*) FROM {in_both} WHERE NOT EXISTS (SELECT 1 FROM {name} AS t WHERE {here})), {sizes})
         FROM (SELECT {is_old} AS is_old, {is_new} AS is_new FROM (SELECT * FROM {name}{bound}) AS t) AS judged;\n"
    )
}

/// The same of a table without a key: how often each row was there, is to be and is.
fn counting_copies(table: &Table, sizes: &str) -> String {
    let (name, columns) = (table.name, table.columns());
    let of = |(place, from): (&str, &str)| format!("SELECT '{place}' AS place, {columns} FROM {from}{name}");
    let copies = [("was", "was."), ("will", "will."), ("here", "")].map(of).join(" UNION ALL ");
    format!(
        "SELECT concat_ws('|', '{name}', coalesce(sum(here), 0), coalesce(sum(greatest(0, here - greatest(old, new))), 0),
             coalesce(sum(CASE WHEN old > new THEN greatest(0, here - new) END), 0),
             coalesce(sum(CASE WHEN new > old THEN greatest(0, here - old) END), 0),
             coalesce(sum(greatest(0, least(old, new) - here)), 0), {sizes})
         FROM (SELECT count(CASE WHEN place = 'was' THEN 1 END) AS old, count(CASE WHEN place = 'will' THEN 1 END) AS new,
             count(CASE WHEN place = 'here' THEN 1 END) AS here FROM ({copies}) AS copies GROUP BY {columns}) AS counted;\n"
    )
}

/// The tables of a list of names, and the others.
pub(crate) fn split(is_there: impl Fn(&str) -> bool) -> (Vec<&'static Table>, Vec<&'static Table>) {
    TABLES.iter().partition(|table| is_there(table.name))
}
