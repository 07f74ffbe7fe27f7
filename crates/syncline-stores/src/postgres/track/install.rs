//! Logs, functions and triggers made, renewed and removed, in the open transaction.

use syncline_core::error::{Code, Result};
use syncline_core::schema::{Schema, TableSchema};
use syncline_core::store::Installed;

use super::catalog::{self, CONSUMERS, TRACKED, TRACKING, Tracked, VERSION, own};
use super::locks::{self, Mode, Taken, Wanted};
use super::signature::Found;
use super::triggers::{self, Firing, NOW};
use crate::postgres::connect::Connection;
use crate::postgres::connect::failure::{Attempt, Doing, Failure};
use crate::postgres::names::Names;
use crate::touched::{key_of, trackable, untrackable};

/// The partitions of a table that hold rows, as they are written, and whether statements about others write to the table: those
/// that name a partition, a table that it inherits from or one that inherits from it, and a subscription, which runs none.
const SURROUNDINGS: &str = "\
    SELECT ARRAY(SELECT format('%I.%I', nspname, relname) FROM pg_partition_tree($1::oid::regclass) AS tree
            JOIN pg_class ON pg_class.oid = tree.relid JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE tree.relid <> $1::oid AND tree.isleaf ORDER BY 1),
        EXISTS (SELECT 1 FROM pg_class WHERE oid = $1 AND relkind = 'p')
            OR EXISTS (SELECT 1 FROM pg_inherits WHERE $1 IN (inhparent, inhrelid))
            OR EXISTS (SELECT 1 FROM pg_subscription_rel WHERE srrelid = $1
                OR srrelid IN (SELECT relid FROM pg_partition_tree($1::oid::regclass))),
        EXISTS (SELECT 1 FROM pg_class WHERE relpersistence <> 'p'
            AND (oid = $1 OR oid IN (SELECT relid FROM pg_partition_tree($1::oid::regclass))))";

/// Sees to it that these tables are tracked.
pub(super) async fn install(
    connection: &Connection,
    names: &Names,
    schema: &Schema,
    tables: &[String],
) -> Attempt<Installed> {
    let mut installed = Installed::default();
    let store = catalog::store(connection, names).await?;
    if store.is_none() {
        sweep(connection, names).await?;
        create_tables(connection, names).await?;
    }
    let before = catalog::tracked(connection, names).await?;
    for tracked in &before {
        if schema.tables.iter().all(|table| table.name != tracked.name) {
            forget(connection, names, tracked).await?;
        }
    }
    let ends = catalog::ends(connection, names, &before).await?;
    let mut works = Vec::new();
    for name in tables {
        let known = before.iter().zip(&ends).find(|(tracked, _)| tracked.name == *name);
        if let Some((_, Ok(_))) = known {
            installed.kept.push(name.clone());
            continue;
        }
        let found = schema.tables.iter().find(|table| table.name == *name);
        match trackable(found.map(|table| &**table), name) {
            Err(error) => installed.refused.push((name.clone(), error)),
            Ok(table) => works.push((table, known)),
        }
    }
    let mut wanted = Vec::new();
    for (table, known) in &works {
        let known = known.iter().map(|(tracked, _)| (*tracked).clone()).collect::<Vec<_>>();
        let mode = if known.is_empty() { Mode::Make } else { Mode::Remove };
        let gone = relations_of(connection, names, &known).await?.into_iter().map(|relation| (Mode::Remove, relation));
        let relations = std::iter::once((mode, names.table(table)?)).chain(gone).collect();
        wanted.push(Wanted { table: table.name.clone(), relations });
    }
    let busy = locks::take(connection, &wanted).await?;
    for (table, known) in works {
        let name = table.name.clone();
        if busy.contains(&name) {
            installed.refused.push((name.clone(), locks::busy(&name)));
            continue;
        }
        match renew(connection, names, (table, known.map(|(tracked, _)| tracked))).await? {
            Err(error) => installed.refused.push((name, error)),
            Ok(()) => match known {
                Some((_, Err(defect))) => installed.renewed.push((name, (*defect).to_owned())),
                _ => installed.begun.push(name),
            },
        }
    }
    if catalog::tracked(connection, names).await?.is_empty() {
        drop_tables(connection, names).await?;
    }
    Ok(installed)
}

/// Removes the tracking of these tables, or everything there is of it.
pub(super) async fn remove(connection: &Connection, names: &Names, tables: Option<&[String]>) -> Attempt<Vec<String>> {
    if catalog::store(connection, names).await?.is_none() {
        return if tables.is_none() { sweep(connection, names).await } else { Ok(Vec::new()) };
    }
    let is_meant = |tracked: &Tracked| tables.is_none_or(|tables| tables.contains(&tracked.name));
    let (gone, left): (Vec<_>, Vec<_>) = catalog::tracked(connection, names).await?.into_iter().partition(is_meant);
    let mut relations = relations_of(connection, names, &gone).await?;
    if left.is_empty() {
        relations.extend(
            [TRACKED, CONSUMERS, TRACKING].map(|name| own(names, name)).into_iter().collect::<Result<Vec<_>>>()?,
        );
    }
    let relations = relations.into_iter().map(|relation| (Mode::Remove, relation)).collect();
    if locks::take_all(connection, &[Wanted { table: String::new(), relations }]).await? == Taken::Busy {
        return Err(locks::busy("a tracked table").into());
    }
    for tracked in &gone {
        forget(connection, names, tracked).await?;
    }
    if left.is_empty() {
        drop_tables(connection, names).await?;
    }
    Ok(gone.into_iter().map(|tracked| tracked.name).collect())
}

/// The tables with these logs as far as they are there, and the logs.
async fn relations_of(connection: &Connection, names: &Names, gone: &[Tracked]) -> Attempt<Vec<String>> {
    let logs = gone.iter().map(|tracked| tracked.log(names)).collect::<Result<Vec<_>>>()?;
    let oids: Vec<u32> = gone.iter().map(|tracked| tracked.oid).collect();
    let there = "SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE pg_class.oid = ANY ($1::oid[]) OR pg_class.oid IN (SELECT to_regclass(name) FROM unnest($2::text[]) AS name)";
    let rows = connection.client.query(there, &[&oids, &logs]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<std::result::Result<_, _>>()?)
}

/// Makes everything of one table anew. What the server has against that takes back nothing else.
async fn renew(
    connection: &Connection,
    names: &Names,
    (table, known): (&TableSchema, Option<&Tracked>),
) -> Attempt<Result<()>> {
    connection.client.batch_execute("SAVEPOINT tracked").await?;
    let made = async {
        if let Some(tracked) = known {
            forget(connection, names, tracked).await?;
        }
        make(connection, names, (table, known.map(|tracked| tracked.id))).await
    };
    match made.await {
        Ok(()) => {
            connection.client.batch_execute("RELEASE SAVEPOINT tracked").await?;
            Ok(Ok(()))
        }
        Err(Failure::Postgres(error)) if error.as_db_error().is_some() => {
            connection.client.batch_execute("ROLLBACK TO SAVEPOINT tracked; RELEASE SAVEPOINT tracked").await?;
            let why = connection.error_while(Failure::Postgres(error), Doing::Writing);
            let why = why.why().unwrap_or_else(|| why.what());
            Ok(Err(untrackable(&table.name, why)))
        }
        Err(Failure::Said(error)) if error.code() == Code::TableNotTracked => {
            connection.client.batch_execute("ROLLBACK TO SAVEPOINT tracked; RELEASE SAVEPOINT tracked").await?;
            Ok(Err(error))
        }
        Err(failure) => Err(failure),
    }
}

async fn make(connection: &Connection, names: &Names, (table, id): (&TableSchema, Option<i64>)) -> Attempt<()> {
    let (client, list) = (&connection.client, own(names, TRACKED)?);
    let row = client
        .query_one(
            &format!(
                "SELECT $1::text::regclass::oid, (SELECT coalesce(max(id), 0) + 1 FROM {list}), \
                 replace(gen_random_uuid()::text, '-', '')"
            ),
            &[&names.table(table)?],
        )
        .await?;
    let (oid, free, epoch): (u32, i64, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let key = key_of(table).unwrap_or_default();
    let (id, name, signature) = (id.unwrap_or(free), table.name.clone(), String::new());
    let mut tracked = Tracked { id, name, oid, epoch, signature, key };
    let row = client.query_one(SURROUNDINGS, &[&oid]).await?;
    let (leaves, by_row): (Vec<String>, bool) = (row.try_get(0)?, row.try_get(1)?);
    if row.try_get(2)? {
        let why = "it is UNLOGGED, so the server empties it after a crash, which no log tells of";
        return Err(untrackable(&table.name, why).into());
    }
    let firing = if by_row { Firing::Row } else { Firing::Statement };
    let types = "SELECT atttypid FROM unnest($2::text[]) WITH ORDINALITY AS key (name, place) \
         JOIN pg_attribute ON attrelid = $1 AND attname = key.name ORDER BY place";
    let rows = client.query(types, &[&oid, &tracked.key]).await?;
    let types = rows.iter().map(|row| row.try_get(0)).collect::<std::result::Result<Vec<u32>, _>>()?;
    for statement in triggers::statements(&tracked, table, names, (firing, &leaves), &types)? {
        client.batch_execute(&statement).await?;
    }
    // So that no position is ever before the first entry: of an empty log nothing could be told.
    let log = tracked.log(names)?;
    client.execute(&format!("INSERT INTO {log} (op, at, origin) VALUES ('M', {NOW}, $1)"), &[&tracked.epoch]).await?;
    tracked.signature = Found::of(connection, names, &tracked).await?.signature();
    let Tracked { id, name, oid, epoch, signature, key } = &tracked;
    let insert = format!("INSERT INTO {list} (id, name, oid, epoch, signature, key) VALUES ($1, $2, $3, $4, $5, $6)");
    client.execute(&insert, &[id, name, oid, epoch, signature, key]).await?;
    Ok(())
}

/// Removes what no list tells of any more, because somebody has removed that. Returns the tables that had triggers of ours.
async fn sweep(connection: &Connection, names: &Names) -> Attempt<Vec<String>> {
    let (client, schema) = (&connection.client, names.default_schema());
    let functions = "SELECT DISTINCT p.oid::regprocedure::text, coalesce(c.relname::text, '') FROM pg_proc AS p
        LEFT JOIN pg_trigger AS t ON t.tgfoid = p.oid AND NOT t.tgisinternal LEFT JOIN pg_class AS c ON c.oid = t.tgrelid
        WHERE p.pronamespace = to_regnamespace(quote_ident($1)) AND p.proname ~ '^_syncline_[0-9]+_' ORDER BY 2";
    let rows = client.query(functions, &[&schema]).await?;
    let found: Vec<(String, String)> = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<std::result::Result<_, tokio_postgres::Error>>()?;
    for (function, _) in &found {
        client.batch_execute(&format!("DROP FUNCTION IF EXISTS {function} CASCADE")).await?;
    }
    let logs =
        "SELECT format('%I.%I', $1::text, relname) FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident($1))
        AND relkind = 'r' AND relname ~ '^_syncline_log_[0-9]+$'";
    for row in client.query(logs, &[&schema]).await? {
        client.batch_execute(&format!("DROP TABLE {}", row.try_get::<_, String>(0)?)).await?;
    }
    drop_tables(connection, names).await?;
    let mut tables: Vec<String> = found.into_iter().map(|(_, table)| table).filter(|table| !table.is_empty()).collect();
    tables.dedup();
    Ok(tables)
}

async fn create_tables(connection: &Connection, names: &Names) -> Attempt<()> {
    let (tracking, tracked, consumers) = (own(names, TRACKING)?, own(names, TRACKED)?, own(names, CONSUMERS)?);
    connection
        .client
        .batch_execute(&format!(
            "CREATE TABLE {tracking} (store text NOT NULL, version bigint NOT NULL);
             INSERT INTO {tracking} VALUES (replace(gen_random_uuid()::text, '-', ''), {VERSION});
             CREATE TABLE {tracked} (id bigint PRIMARY KEY, name text NOT NULL UNIQUE, oid oid NOT NULL, epoch text NOT NULL,
                 signature text NOT NULL, key text[] NOT NULL);
             CREATE TABLE {consumers} (link text, tracked bigint, position text NOT NULL, label text NOT NULL,
                 seen bigint NOT NULL, PRIMARY KEY (link, tracked))"
        ))
        .await?;
    Ok(())
}

async fn drop_tables(connection: &Connection, names: &Names) -> Attempt<()> {
    for name in [TRACKED, CONSUMERS, TRACKING] {
        connection.client.batch_execute(&format!("DROP TABLE IF EXISTS {}", own(names, name)?)).await?;
    }
    Ok(())
}

/// Removes what there is of the tracking of a table, wherever its triggers have gone with it.
async fn forget(connection: &Connection, names: &Names, tracked: &Tracked) -> Attempt<()> {
    let client = &connection.client;
    for function in triggers::functions(tracked, names)? {
        // With the triggers that call it, on whatever table they are by now.
        client.batch_execute(&format!("DROP FUNCTION IF EXISTS {function}() CASCADE")).await?;
    }
    client.batch_execute(&format!("DROP TABLE IF EXISTS {}", tracked.log(names)?)).await?;
    client.execute(&format!("DELETE FROM {} WHERE tracked = $1", own(names, CONSUMERS)?), &[&tracked.id]).await?;
    client.execute(&format!("DELETE FROM {} WHERE id = $1", own(names, TRACKED)?), &[&tracked.id]).await?;
    Ok(())
}
