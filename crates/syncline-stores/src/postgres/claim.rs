//! The claim of a run on a database: an advisory lock of the server, held by a session of its own.
//!
//! The server keeps such locks in memory, for each database apart, and frees them when the session ends, however it does.
//! The note is the session's application name, which everybody can see who can log in to the server.

use async_trait::async_trait;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::RunClaim;

use super::connect::{ConnectOptions, Connection, connect};

/// What all runs lock: `SYNCLINE` in ASCII, so that it is seldom another program's.
const KEY: i64 = 0x5359_4e43_4c49_4e45;

/// What a note begins with where there is room for it.
const MARK: &str = "syncline: ";

/// The longest application name that a server keeps, in bytes.
const NOTE_BYTES: usize = 63;

/// Whose session holds the lock. A key of 64 bits is kept as two halves, and 1 beside them.
const HOLDER: &str = "SELECT activity.application_name FROM pg_locks AS held \
    LEFT JOIN pg_stat_activity AS activity ON activity.pid = held.pid \
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1 \
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
    AND held.classid::int8 = $1::int8 >> 32 AND held.objid::int8 = $1::int8 & 4294967295";

/// The claim that a run holds, given back when dropped.
pub struct PostgresClaim {
    connection: Connection,
}

impl PostgresClaim {
    /// Takes the claim of a database.
    ///
    /// # Errors
    /// `RUN_LOCKED` with the holder's note when another holds it, `STORE_READ_ONLY` when the database cannot be written,
    /// and as [`connect`].
    pub async fn take(options: &ConnectOptions, note: &str) -> Result<Self> {
        let options = ConnectOptions { application_name: application_name(note), ..options.clone() };
        let connection = connect(&options).await?;
        let label = options.label();
        if !is_true(&connection, "SELECT current_setting('transaction_read_only') = 'off'").await? {
            return Err(Error::new(Code::StoreReadOnly, format!("{label} cannot be written"))
                .because("the server is a standby, or the user's transactions are set to be read-only")
                .next("name the primary server, or set default_transaction_read_only off for the user", "")
                .leaving("nothing was changed"));
        }
        let attempt = format!("SELECT pg_try_advisory_lock({KEY})");
        let mut holder = None;
        for pause in 1..=limits::CLAIM_ATTEMPTS {
            if is_true(&connection, &attempt).await? {
                return Ok(Self { connection });
            }
            holder = holder_of(&connection).await?.or(holder);
            // A session that has ended takes the server a moment to clear away, and more of them on a busy machine.
            tokio::time::sleep(limits::CLAIM_PAUSE * pause).await;
        }
        Err(Error::new(Code::RunLocked, format!("another run is writing to {label}"))
            .because(holder.unwrap_or_else(|| "its holder cannot be seen by this user".to_owned()))
            .leaving("nothing was changed")
            .next("run the command again once that run has ended", "it counts as ended when it is killed, too"))
    }
}

#[async_trait]
impl RunClaim for PostgresClaim {
    async fn note(&self, note: &str) {
        let name = application_name(note);
        // A note that cannot be left is none.
        let _ = self.connection.client.query("SELECT set_config('application_name', $1, false)", &[&name]).await;
    }
}

async fn is_true(connection: &Connection, query: &str) -> Result<bool> {
    let row = connection.client.query_one(query, &[]).await;
    row.and_then(|row| row.try_get(0)).map_err(|error| connection.error(error))
}

/// The note of the session that holds the claim, if it is held and the note can be seen.
async fn holder_of(connection: &Connection) -> Result<Option<String>> {
    Ok(held_by(connection).await?.flatten())
}

/// Whether the claim is held, and by whom where that can be seen.
pub(super) async fn held_by(connection: &Connection) -> Result<Option<Option<String>>> {
    let row = connection.client.query_opt(HOLDER, &[&KEY]).await.map_err(|error| connection.error(error))?;
    let Some(row) = row else { return Ok(None) };
    let name = row.try_get::<_, Option<String>>(0).map_err(|error| connection.error(error))?;
    let note = name.map(|name| name.strip_prefix(MARK).unwrap_or(&name).to_owned());
    let note = note.map(|note| note.chars().filter(|c| !c.is_control()).collect::<String>());
    Ok(Some(note.filter(|note| !note.is_empty())))
}

/// The note as an application name: with our mark if there is room, else cut where the server would cut it.
fn application_name(note: &str) -> String {
    let marked = format!("{MARK}{note}");
    if marked.len() <= NOTE_BYTES { marked } else { note[..note.floor_char_boundary(NOTE_BYTES)].to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_fits_an_application_name() {
        assert_eq!(application_name("copy"), "syncline: copy");
        let long = "é".repeat(40);
        assert_eq!(application_name(&long), "é".repeat(31));
        for length in 0..100 {
            assert!(application_name(&"a".repeat(length)).len() <= NOTE_BYTES);
        }
    }
}
