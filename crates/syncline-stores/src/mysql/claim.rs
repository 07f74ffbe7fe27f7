//! The claim of a run on a database: a lock of the server, held by a session of its own.
//!
//! The server keeps such locks in memory and frees them when the session ends, however it does. They have names and
//! nothing else, so the note is spelled out in further locks: one for each of its bits that is set. Whoever finds the claim
//! taken asks which of them are.

use std::time::Duration;

use async_trait::async_trait;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::RunClaim;
use xxhash_rust::xxh3::xxh3_64;

use super::connect::{ConnectOptions, Connection, cell, connect};
use super::describe;

/// The longest note that is kept, in bytes.
const NOTE_BYTES: usize = 63;

/// The claim that a run holds, given back when dropped.
pub struct MysqlClaim {
    connection: Connection,
    names: Names,
}

impl MysqlClaim {
    /// Takes the claim of a database.
    ///
    /// # Errors
    /// `RUN_LOCKED` with the holder's note when another holds it, `STORE_READ_ONLY` when the database cannot be written,
    /// and as [`connect`].
    pub async fn take(options: &ConnectOptions, note: &str) -> Result<Self> {
        let connection = connect(options).await?;
        let label = options.label();
        if !describe(&connection).await?.writable {
            return Err(Error::new(Code::StoreReadOnly, format!("{label} cannot be written"))
                .because("the server is read-only, as a replica is")
                .next("name the primary server", "")
                .leaving("nothing was changed"));
        }
        let names = Names::of(&connection).await?;
        let mut holder = None;
        for pause in 1..=limits::CLAIM_ATTEMPTS {
            if ask(&connection, &format!("SELECT GET_LOCK('{}', 0)", names.claim())).await? == [true] {
                let claim = Self { connection, names };
                claim.note(note).await;
                return Ok(claim);
            }
            holder = note_of(&connection, &names).await?.or(holder);
            // A session that has ended takes the server a moment to clear away, and more of them on a busy machine.
            tokio::time::sleep(limits::CLAIM_PAUSE * pause).await;
        }
        Err(Error::new(Code::RunLocked, format!("another run is writing to {label}"))
            .because(holder.unwrap_or_else(|| "its holder has left no note".to_owned()))
            .leaving("nothing was changed")
            .next("run the command again once that run has ended", "it counts as ended when it is killed, too"))
    }
}

#[async_trait]
impl RunClaim for MysqlClaim {
    async fn note(&self, note: &str) {
        // A note that cannot be left is none. The claim itself is never let go of, not even for a moment.
        let _ = leave(&self.connection, &self.names, note).await;
    }
}

/// What is said of the run that holds the claim of a database, if one does: its note, where it has left one.
pub(super) async fn held_by(connection: &Connection) -> Result<Option<Option<String>>> {
    let names = Names::of(connection).await?;
    if ask(connection, &format!("SELECT IS_USED_LOCK('{}')", names.claim())).await? != [true] {
        return Ok(None);
    }
    Ok(Some(note_of(connection, &names).await?))
}

/// Takes a lock of this name of a database, beside that of runs, for as long as the session lasts. `false` when somebody else has it
/// all that time.
pub(super) async fn take_named(connection: &Connection, name: &str, wait: Duration) -> Result<bool> {
    let lock = format!("{}:{name}", Names::of(connection).await?.claim());
    let seconds = wait.as_secs();
    Ok(ask(connection, &format!("SELECT GET_LOCK('{lock}', {seconds})")).await? == [true])
}

/// What the locks of a database are called.
struct Names {
    database: u64,
}

impl Names {
    async fn of(connection: &Connection) -> Result<Self> {
        let rows = connection.line.query("SELECT DATABASE()").await.map_err(|error| connection.error(error))?;
        let name: String = rows.first().map_or_else(|| Ok(String::new()), |row| cell(row, 0))?;
        // Locks are those of the whole server, and a name has 64 characters at most.
        Ok(Self { database: xxh3_64(name.as_bytes()) })
    }

    fn claim(&self) -> String {
        format!("syncline:{:016x}", self.database)
    }

    fn bit(&self, number: usize) -> String {
        format!("syncline:{:016x}:{number}", self.database)
    }
}

/// Spells the note out, instead of the one before.
async fn leave(connection: &Connection, names: &Names, note: &str) -> Result<()> {
    let note = &note[..note.floor_char_boundary(NOTE_BYTES)];
    let words = |function: &str, end: &str, bits: Vec<usize>| {
        let calls: Vec<_> = bits.into_iter().map(|bit| format!("{function}('{}'{end})", names.bit(bit))).collect();
        format!("SELECT {}", calls.join(", "))
    };
    ask(connection, &words("RELEASE_LOCK", "", (0..NOTE_BYTES * 8).collect())).await?;
    let set: Vec<_> = (0..note.len() * 8).filter(|bit| note.as_bytes()[bit / 8] >> (bit % 8) & 1 == 1).collect();
    if !set.is_empty() {
        ask(connection, &words("GET_LOCK", ", 0", set)).await?;
    }
    Ok(())
}

/// The note of the session that holds the claim, if there is one.
async fn note_of(connection: &Connection, names: &Names) -> Result<Option<String>> {
    let bits: Vec<_> = (0..NOTE_BYTES * 8).map(|bit| format!("IS_USED_LOCK('{}')", names.bit(bit))).collect();
    let set = ask(connection, &format!("SELECT {}", bits.join(", "))).await?;
    let byte = |bits: &[bool]| bits.iter().rev().fold(0_u8, |byte, bit| byte << 1 | u8::from(*bit));
    let bytes: Vec<u8> = set.chunks(8).map(byte).take_while(|byte| *byte != 0).collect();
    let note = String::from_utf8_lossy(&bytes);
    let note: String = note.chars().filter(|c| !c.is_control()).collect();
    Ok((!note.is_empty()).then_some(note))
}

/// Whether each cell of the one row of an answer is a number other than 0.
async fn ask(connection: &Connection, question: &str) -> Result<Vec<bool>> {
    let rows = connection.line.query(question).await.map_err(|error| connection.error(error))?;
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    (0..row.len()).map(|at| Ok(cell::<Option<u64>>(row, at)?.is_some_and(|number| number != 0))).collect()
}
