//! The signature of a tracked table: what the catalog says of its columns, of its triggers of ours, of the tables that change its
//! rows with theirs, and of its log. A trigger says when it was made, so one that was dropped and made again is another one.

use std::collections::BTreeMap;

use mysql_async::Row;
use syncline_core::error::Result;
use xxhash_rust::xxh3::xxh3_128;

use super::cascades::{self, Edge};
use super::catalog::Tracked;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::{Connection, Product, cell};

const TABLES: &str = "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
    AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')";

const COLUMNS: &str = "SELECT TABLE_NAME, CONCAT_WS(',', ORDINAL_POSITION, COLUMN_NAME, COLUMN_TYPE, COLLATION_NAME, \
    IS_NULLABLE, EXTRA) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION";

const TRIGGERS: &str = "SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, CONCAT_WS(',', EVENT_MANIPULATION, ACTION_TIMING, \
    ACTION_STATEMENT, SQL_MODE, DEFINER, CREATED), ACTION_TIMING = 'BEFORE' AND EVENT_MANIPULATION = 'UPDATE' \
    FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY TRIGGER_NAME";

/// The numbers of what keeps rows, which take a right of their own to see. The engine writes names as those of files.
const SPACES_OF_MARIADB: &str = "SELECT CONVERT(CONVERT(BINARY SUBSTRING_INDEX(SUBSTRING_INDEX(NAME, '/', -1), '#P#', 1) USING filename) \
    USING utf8mb4), TABLE_ID FROM information_schema.INNODB_SYS_TABLES \
    WHERE CONVERT(CONVERT(BINARY SUBSTRING_INDEX(NAME, '/', 1) USING filename) USING utf8mb4) = DATABASE()";
const SPACES_OF_MYSQL: &str = "SELECT CONVERT(CONVERT(BINARY SUBSTRING_INDEX(SUBSTRING_INDEX(NAME, '/', -1), '#p#', 1) USING filename) \
    USING utf8mb4), TABLE_ID FROM information_schema.INNODB_TABLES \
    WHERE CONVERT(CONVERT(BINARY SUBSTRING_INDEX(NAME, '/', 1) USING filename) USING utf8mb4) = DATABASE()";

/// What the server says to those who lack the right.
const MAY_NOT: [u16; 3] = [1044, 1142, 1227];

/// What the names of all our triggers begin with.
pub(super) const OURS: &str = "_syncline_";

/// What signatures are made of, for all tables at once.
pub(super) struct Catalog {
    engines: BTreeMap<String, String>,
    columns: BTreeMap<String, String>,
    triggers: Vec<Trigger>,
    pub(super) edges: Vec<Edge>,
    spaces: BTreeMap<String, u64>,
}

struct Trigger {
    table: String,
    name: String,
    text: String,
    is_before_update: bool,
}

impl Catalog {
    /// As it is now: the catalog is in no transaction.
    pub(super) async fn read(connection: &Connection) -> Attempt<Self> {
        let mut columns: BTreeMap<String, String> = BTreeMap::new();
        for row in connection.line.query(COLUMNS).await? {
            let (table, text): (String, String) = (cell(&row, 0)?, cell(&row, 1)?);
            let of_table = columns.entry(table).or_default();
            of_table.push_str(&text);
            of_table.push('\n');
        }
        let trigger = |row: &Row| {
            let is_before_update = cell::<u8>(row, 3)? == 1;
            Ok(Trigger { table: cell(row, 0)?, name: cell(row, 1)?, text: cell(row, 2)?, is_before_update })
        };
        let triggers = connection.line.query(TRIGGERS).await?.iter().map(trigger).collect::<Result<_>>()?;
        let engine = |row: &Row| Ok((cell(row, 0)?, cell::<Option<String>>(row, 1)?.unwrap_or_default()));
        let engines = connection.line.query(TABLES).await?.iter().map(engine).collect::<Result<_>>()?;
        Ok(Self {
            engines,
            columns,
            triggers,
            edges: cascades::edges(connection).await?,
            spaces: spaces(connection).await?,
        })
    }

    pub(super) fn has_table(&self, name: &str) -> bool {
        self.engines.contains_key(name)
    }

    /// Who keeps the rows of a table.
    pub(super) fn engine(&self, name: &str) -> Option<&str> {
        self.engines.get(name).map(String::as_str)
    }

    /// The number of what keeps the rows of a table; `None` where that may not be seen. A table in partitions has several.
    pub(super) fn space(&self, name: &str) -> Option<u64> {
        self.spaces.get(name).copied()
    }

    /// Whether triggers of the application may give rows of this table other values than a statement has.
    pub(super) fn is_meddled_with(&self, table: &str) -> bool {
        let mut triggers = self.triggers.iter();
        triggers.any(|trigger| trigger.table == table && trigger.is_before_update && !trigger.name.starts_with(OURS))
    }

    /// The names of all triggers that begin so.
    pub(super) fn triggers_named(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.triggers.iter().map(|trigger| trigger.name.as_str()).filter(move |name| name.starts_with(prefix))
    }

    /// The names of all tables that begin so.
    pub(super) fn tables_named(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.engines.keys().map(String::as_str).filter(move |name| name.starts_with(prefix))
    }

    /// The signature of a tracked table.
    pub(super) fn signature(&self, tracked: &Tracked) -> String {
        let mut text = String::new();
        for table in [tracked.name.clone(), tracked.log(), tracked.inbox()] {
            text.push_str(&format!("{table}:{}\n", self.engine(&table).unwrap_or_default()));
            text.push_str(self.columns.get(&table).map_or("", String::as_str));
        }
        for trigger in self.triggers.iter().filter(|trigger| trigger.name.starts_with(&tracked.prefix())) {
            text.push_str(&format!("{} {} {}\n", trigger.table, trigger.name, trigger.text));
        }
        for edge in cascades::leading_to(&self.edges, &tracked.name) {
            let is_meddled_with = edge.on_update && self.is_meddled_with(&edge.parent);
            text.push_str(&format!("{edge:?} {is_meddled_with}\n"));
        }
        format!("{:032x}", xxh3_128(text.as_bytes()))
    }
}

/// The numbers of the tables of this database, partitions taken together; none without the right to see them.
async fn spaces(connection: &Connection) -> Attempt<BTreeMap<String, u64>> {
    let sql = match connection.version.product {
        Product::MariaDb => SPACES_OF_MARIADB,
        Product::MySql => SPACES_OF_MYSQL,
    };
    let rows = match connection.line.query(sql).await {
        Ok(rows) => rows,
        Err(mysql_async::Error::Server(said)) if MAY_NOT.contains(&said.code) => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.into()),
    };
    let mut spaces: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for row in rows {
        spaces.entry(cell(&row, 0)?).or_default().push(cell(&row, 1)?);
    }
    let one = |(name, mut numbers): (String, Vec<u64>)| {
        numbers.sort_unstable();
        let number = match numbers.as_slice() {
            [number] => *number,
            numbers => {
                xxh3_128(&numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>()) as u64 >> 1
            }
        };
        (name, number)
    };
    Ok(spaces.into_iter().map(one).collect())
}
