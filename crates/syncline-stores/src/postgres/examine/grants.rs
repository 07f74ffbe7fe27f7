//! The rights that a role needs to read or write the tables there are, and no more.

use std::sync::Arc;

use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{Schema, TableSchema};
use syncline_core::store::{Grant, Grants, Side};

use super::server::{GRANTABLE, Server};
use super::survey::{Survey, Surveyed};
use crate::postgres::connect::Connection;
use crate::postgres::names::{Names, listed, quoted};

/// The statements for a role, whether it is there yet or not.
///
/// # Errors
/// `USAGE_INVALID` for a role that means everybody; `STORE_MISSING` without a schema to keep things in; when a name cannot
/// be written, and when the catalog cannot be read.
pub(in crate::postgres) async fn script(
    connection: &Connection,
    names: &Names,
    (schema, chosen): (&Schema, &[String]),
    (side, role): (Side, &str),
) -> Result<Grants> {
    // In quotes too it stands for all roles.
    if role == "public" || role.is_empty() {
        return Err(Error::new(Code::UsageInvalid, format!("{role:?} is no role of its own"))
            .because("the rights would be everybody's")
            .leaving("nothing was changed")
            .next("--role NAME", "names the role that is to be given them"));
    }
    let query = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname::text = $1)";
    let row = connection.client.query_one(query, &[&role]).await.map_err(|error| connection.error(error))?;
    let is_there = row.try_get(0).map_err(|error| connection.error(error))?;
    let server = Server::ask(connection, names).await?;
    let (tables, others): (Vec<_>, Vec<_>) =
        schema.tables.iter().cloned().partition(|table| chosen.contains(&table.name));
    let beside: Vec<_> = others.into_iter().filter(|other| are_tied(other, &tables)).collect();
    let survey = Survey::of(connection, names, &tables).await?;
    let beside = Survey::of(connection, names, &beside).await?;
    let grants = Grants::default();
    let mut script = Script { role: quoted(role)?, server: &server, survey: &survey, beside: &beside, grants };
    script.read(is_there, names)?;
    if side == Side::Target {
        script.write(names)?;
    }
    Ok(script.grants)
}

/// Whether the table references one of these, or one of these references it.
fn are_tied(table: &TableSchema, tables: &[Arc<TableSchema>]) -> bool {
    tables.iter().any(|other| references(table, other) || references(other, table))
}

fn references(child: &TableSchema, parent: &TableSchema) -> bool {
    child.references_to(&parent.name).next().is_some()
}

struct Script<'s> {
    role: String,
    server: &'s Server,
    survey: &'s Survey,
    /// Tables that reference those, or are referenced by them.
    beside: &'s Survey,
    grants: Grants,
}

impl Script<'_> {
    fn read(&mut self, is_there: bool, names: &Names) -> Result<()> {
        if !is_there {
            let sql = format!("CREATE ROLE {} LOGIN", self.role);
            self.say("the role is not there yet; give it a password, for instance by \\password of psql", sql);
        }
        self.grant("to log in", format!("CONNECT ON DATABASE {}", quoted(&self.server.database)?));
        let mut schemas = self.survey.schemas.clone();
        schemas.extend(Some(names.default_schema().to_owned()).filter(|schema| !schema.is_empty()));
        if !schemas.is_empty() {
            let schemas = listed(schemas.iter().map(|schema| &**schema))?;
            self.grant("to reach the tables and what they are made of", format!("USAGE ON SCHEMA {schemas}"));
        }
        for one in &self.survey.tables {
            self.grant("to read", format!("SELECT ON {}", one.written));
        }
        self.remark("Tables that come later need grants of their own: make the script anew then.");
        if self.survey.tables.iter().any(|one| one.hides_rows) {
            self.remark(
                "Policies hide rows of some tables from this login. To a role that they apply to, those tables are not \
                 carried: hidden rows would count as missing. A superuser may let it pass by them (BYPASSRLS).",
            );
        }
        Ok(())
    }

    fn write(&mut self, names: &Names) -> Result<()> {
        if names.default_schema().is_empty() {
            return Err(Error::new(Code::StoreMissing, "there is no schema that a run could keep its checkpoint in")
                .because("the first schema of the login's search_path is not there")
                .leaving("nothing was changed")
                .next("schema=NAME in the name of the database", "names the schema"));
        }
        let database = quoted(&self.server.database)?;
        self.grant("to put rows into a temporary table first", format!("TEMPORARY ON DATABASE {database}"));
        let schema = quoted(names.default_schema())?;
        let why = "to keep there how far a run has come, until it has ended, and to make missing tables";
        self.grant(why, format!("CREATE ON SCHEMA {schema}"));
        for one in &self.survey.tables {
            self.grant("to write", format!("INSERT, UPDATE, DELETE ON {}", one.written));
            for sequence in &one.sequences {
                let why = "to move the numbers that are given out past those of the rows";
                self.grant(why, format!("SELECT, UPDATE ON SEQUENCE {}", sequence.written));
            }
        }
        self.look_beside(names)?;
        self.replicate();
        Ok(())
    }

    /// Before rows go, it is looked for those that reference them; and after rows have come, for those that they reference.
    fn look_beside(&mut self, names: &Names) -> Result<()> {
        let mut schemas = &self.beside.schemas - &self.survey.schemas;
        schemas.remove(names.default_schema());
        if !schemas.is_empty() {
            let schemas = listed(schemas.iter().map(|schema| &**schema))?;
            self.grant(
                "to reach the tables that these reference, or that reference them",
                format!("USAGE ON SCHEMA {schemas}"),
            );
        }
        for one in &self.beside.tables {
            self.grant(
                "to look there for rows that reference and are referenced",
                format!("SELECT ON {}", one.written),
            );
        }
        if !self.may_replicate() {
            return Ok(());
        }
        // References do not act then, and what they point at has to be locked, which takes a right to write it.
        let is_parent = |one: &&Surveyed| self.survey.tables.iter().any(|other| references(&other.table, &one.table));
        for parent in self.beside.tables.iter().filter(is_parent) {
            self.grant(
                "to lock rows there while others come to reference them",
                format!("UPDATE ON {}", parent.written),
            );
        }
        Ok(())
    }

    /// Whether the right to write like a replica is part of the script.
    fn may_replicate(&self) -> bool {
        self.server.version >= GRANTABLE && self.fires(&["O", "A"])
    }

    /// Whether a table has triggers that fire in these of the catalog's letters.
    fn fires(&self, letters: &[&str]) -> bool {
        self.survey.tables.iter().any(|one| one.triggers.iter().any(|enabled| letters.contains(&&**enabled)))
    }

    /// What becomes of triggers and references.
    fn replicate(&mut self) {
        match self.server.version {
            GRANTABLE.. if self.may_replicate() => {
                let why = "to write without triggers firing; only a superuser may grant it";
                self.grant(why, "SET ON PARAMETER session_replication_role".to_owned());
            }
            GRANTABLE.. => self.remark(
                "No table has triggers, so the right to switch them off is not asked for. References stay enforced by \
                 the server: what they refuse is held. GRANT SET ON PARAMETER session_replication_role, by a superuser, \
                 lets Syncline check references itself instead.",
            ),
            _ => self.remark(
                "The right to write without triggers firing (session_replication_role) cannot be granted before version \
                 15: superusers have it. Tables with triggers are written by the role that owns them, or not at all; \
                 references stay enforced by the server, and what they refuse is held.",
            ),
        }
        if self.fires(&["A", "R"]) {
            self.remark(
                "Some triggers fire for replicas too (ENABLE ALWAYS or REPLICA). Nobody but the owner of their tables may \
                 switch them off, and ownership is not for granting: those tables are written by their owner, or not at all.",
            );
        }
    }

    fn grant(&mut self, why: &'static str, right: String) {
        let sql = format!("GRANT {right} TO {}", self.role);
        self.say(why, sql);
    }

    fn say(&mut self, why: &'static str, sql: String) {
        self.grants.statements.push(Grant { why, sql });
    }

    fn remark(&mut self, remark: &str) {
        self.grants.remarks.push(remark.to_owned());
    }
}
