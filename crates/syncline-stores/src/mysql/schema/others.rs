//! What is there and is not carried.

use syncline_core::error::Result;
use syncline_core::schema::NotCarried;

use super::ask;
use crate::mysql::connect::{Connection, cell};

const OTHERS: &str = "\
SELECT IF(TABLE_TYPE = 'SEQUENCE', 'sequence', 'view'), TABLE_NAME, NULL FROM information_schema.TABLES \
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('VIEW', 'SEQUENCE') AND TABLE_NAME NOT LIKE '\\_syncline\\_%' \
UNION ALL SELECT 'trigger', TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS \
    WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND TRIGGER_NAME NOT LIKE '\\_syncline\\_%' \
UNION ALL SELECT 'routine', ROUTINE_NAME, NULL FROM information_schema.ROUTINES \
    WHERE ROUTINE_SCHEMA = DATABASE() AND ROUTINE_NAME NOT LIKE '\\_syncline\\_%' \
UNION ALL SELECT 'event', EVENT_NAME, NULL FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() \
UNION ALL SELECT DISTINCT 'partitioning', TABLE_NAME, TABLE_NAME FROM information_schema.PARTITIONS \
    WHERE TABLE_SCHEMA = DATABASE() AND PARTITION_NAME IS NOT NULL AND TABLE_NAME NOT LIKE '\\_syncline\\_%'";

/// The kinds there are, as they are called.
const KINDS: [&str; 6] = ["event", "partitioning", "routine", "sequence", "trigger", "view"];

pub(super) async fn read(connection: &Connection) -> Result<Vec<NotCarried>> {
    let mut found = Vec::new();
    for row in ask(connection, OTHERS).await? {
        let kind: String = cell(&row, 0)?;
        let Some(kind) = KINDS.into_iter().find(|known| *known == kind) else { continue };
        found.push(NotCarried { kind, name: cell(&row, 1)?, table: cell(&row, 2)? });
    }
    found.sort_by(|a, b| (a.kind, &a.name, &a.table).cmp(&(b.kind, &b.name, &b.table)));
    found.dedup();
    Ok(found)
}
