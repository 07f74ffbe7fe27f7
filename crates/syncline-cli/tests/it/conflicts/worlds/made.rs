//! A world: what its tables demand, and rows that do not care.

use rusqlite::Connection;
use syncline_testkit::deterministic::Numbers;

use crate::scene::Scene;

/// Tables in a world, at most.
const TABLES: u64 = 3;

/// Rows tried in each table of each side, at most.
const ROWS: u64 = 14;

/// Keys and values are taken from this many, so that they meet.
const VALUES: u64 = 9;

pub(super) struct World {
    tables: Vec<Table>,
    /// The target has a table of its own, whose rows reference this column of one of these.
    own: Option<(usize, &'static str)>,
}

struct Table {
    name: String,
    key: &'static str,
    /// Each with what the target demands of it.
    columns: Vec<(&'static str, String)>,
    /// Demands beside the columns.
    indexes: Vec<String>,
    ending: &'static str,
}

impl World {
    pub(super) fn new(numbers: &mut Numbers) -> Self {
        let count = 1 + numbers.below(TABLES);
        let mut tables: Vec<Table> = (0..count).map(|at| Table::new(at, count, numbers)).collect();
        let uniques: Vec<usize> = (0..tables.len()).filter(|at| tables[*at].columns[0].1 == "UNIQUE").collect();
        for (_, demand) in tables.iter_mut().flat_map(|table| &mut table.columns) {
            for at in &uniques {
                // Some reference what may change.
                if *demand == format!("REFERENCES t{at} (id)") && numbers.below(3) == 0 {
                    *demand = format!("REFERENCES t{at} (u)");
                }
            }
        }
        let own = (numbers.below(3) == 0).then(|| numbers.below(count) as usize);
        let own = own.map(|at| (at, if uniques.contains(&at) && numbers.below(2) == 0 { "u" } else { "id" }));
        Self { tables, own }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.tables.iter().map(|table| table.name.clone()).collect()
    }

    /// The columns of a table beside its key.
    pub(super) fn columns(&self, table: &str) -> Vec<&'static str> {
        let table = self.tables.iter().find(|other| other.name == table).unwrap();
        table.columns.iter().map(|(name, _)| *name).collect()
    }

    /// The tables without any demand.
    pub(super) fn source(&self) -> String {
        self.tables.iter().map(|table| table.free(&table.name)).collect()
    }

    /// The tables with their demands.
    pub(super) fn target(&self) -> String {
        let strict = self.tables.iter().map(Table::strict).collect::<String>();
        let own = self.own.map(|(at, column)| {
            format!("CREATE TABLE own (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t{at} ({column}));")
        });
        strict + &own.unwrap_or_default()
    }

    /// Statements that take all demands away and leave the rows.
    pub(super) fn relaxed(&self) -> String {
        let anew = |table: &Table| {
            let name = &table.name;
            format!(
                "{} INSERT INTO anew SELECT * FROM {name}; DROP TABLE {name}; ALTER TABLE anew RENAME TO {name};",
                table.free("anew")
            )
        };
        let own = self.own.map_or("", |_| "DROP TABLE own;");
        let anew = self.tables.iter().map(anew).collect::<String>();
        format!("PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON; BEGIN; {own} {anew} COMMIT;")
    }

    /// Rows for both sides: in the target those that it takes.
    pub(super) fn fill(&self, scene: &Scene, numbers: &mut Numbers) {
        let (ours, theirs) = (*numbers.pick(&[4, ROWS]), *numbers.pick(&[0, 5, ROWS]));
        for (database, rows, enforced) in [("a.db", ours, "OFF"), ("b.db", theirs, "ON")] {
            let connection = Connection::open(scene.path(database)).unwrap();
            connection.execute_batch(&format!("PRAGMA foreign_keys = {enforced}; BEGIN")).unwrap();
            for _ in 0..rows * self.tables.len() as u64 {
                let table = &self.tables[numbers.below(self.tables.len() as u64) as usize];
                let _ = connection.execute(&table.row(numbers), []);
            }
            if let Some((at, column)) = self.own.filter(|_| database == "b.db") {
                let rows = format!("INSERT INTO own SELECT id, {column} FROM t{at} WHERE id % 3 = 0");
                let _ = connection.execute(&rows, []);
            }
            connection.execute_batch("COMMIT").unwrap();
        }
    }
}

impl Table {
    fn new(at: u64, count: u64, numbers: &mut Numbers) -> Self {
        let name = format!("t{at}");
        let (key, ending) = *numbers.pick(&[
            ("INTEGER PRIMARY KEY", ""),
            ("INT PRIMARY KEY NOT NULL", ""),
            ("INT PRIMARY KEY NOT NULL", "WITHOUT ROWID"),
        ]);
        let mut columns: Vec<(&'static str, String)> =
            vec![("u", (*numbers.pick(&["UNIQUE", "UNIQUE", ""])).to_owned())];
        columns.push(("v", (*numbers.pick(&["CHECK (v > 1)", "NOT NULL", "CHECK (v > 0) UNIQUE", ""])).to_owned()));
        for reference in ["r", "s"] {
            if numbers.below(3) > 0 {
                columns.push((reference, format!("REFERENCES t{} (id)", numbers.below(count))));
            }
        }
        let unique = format!("CREATE UNIQUE INDEX {name}_i ON {name} ");
        let indexes = match numbers.below(5) {
            0 => vec![format!("{unique} (u, v);")],
            1 => vec![format!("{unique} (v) WHERE u > 4;")],
            2 => vec![format!("{unique} (v + u);")],
            _ => Vec::new(),
        };
        Self { name, key, columns, indexes, ending }
    }

    fn free(&self, name: &str) -> String {
        let columns: String = self.columns.iter().map(|(column, _)| format!(", {column} INTEGER")).collect();
        format!("CREATE TABLE {name} (id {}{columns}) {};", self.key, self.ending)
    }

    fn strict(&self) -> String {
        let columns: String =
            self.columns.iter().map(|(column, demand)| format!(", {column} INTEGER {demand}")).collect();
        format!("CREATE TABLE {} (id {}{columns}) {};{}", self.name, self.key, self.ending, self.indexes.concat())
    }

    /// A row, or a change of some.
    fn row(&self, numbers: &mut Numbers) -> String {
        let name = &self.name;
        if numbers.below(12) == 0 {
            return format!("UPDATE {name} SET u = u + 1 WHERE id > {}", numbers.below(VALUES));
        }
        let mut cell = |column: &str| match column {
            "v" if numbers.below(8) > 0 => (2 + numbers.below(2 * VALUES)).to_string(),
            _ if numbers.below(5) == 0 => "NULL".to_owned(),
            _ => numbers.below(VALUES).to_string(),
        };
        let cells: Vec<String> = self.columns.iter().map(|(column, _)| cell(column)).collect();
        format!("INSERT INTO {name} VALUES ({}, {})", numbers.below(VALUES), cells.join(", "))
    }
}
