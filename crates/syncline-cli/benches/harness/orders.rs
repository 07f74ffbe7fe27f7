//! The dataset: one table `orders`, about 257 bytes a row, the same on every machine.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

/// What the rows look like. The values are the same in every form.
pub(crate) struct Form {
    /// What its files are kept under.
    pub(crate) name: &'static str,
    /// The definition of the table, as every side creates it.
    pub(crate) table: &'static str,
    /// What stands between day and hour of a timestamp.
    pub(crate) between: char,
}

/// Changes between the dataset and each of its changed copies.
pub(crate) const CHANGES: u64 = 1_000;

/// Raised when rows come out otherwise, so that a dataset of an older build is not taken for this one's.
const VERSION: u32 = 1;

/// The files that the parts read, each made when it is first asked for and kept in the system's directory for temporary
/// files.
pub(crate) struct Dataset {
    dir: PathBuf,
    form: &'static Form,
    pub(crate) rows: u64,
}

impl Dataset {
    /// The dataset in a form with so many rows.
    pub(crate) fn of(form: &'static Form, rows: u64) -> Self {
        let dir = std::env::temp_dir().join(format!("syncline-bench-{}-{VERSION}-{rows}", form.name));
        fs::create_dir_all(&dir).unwrap();
        Self { dir, form, rows }
    }

    /// One of the files: `orders`, and as targets `equal`, `spread` and `clustered`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        let path = self.dir.join(format!("{name}.db"));
        if path.exists() {
            return path;
        }
        let half_made = self.dir.join("half-made.db");
        let _ = fs::remove_file(&half_made);
        if name == "orders" {
            eprintln!("making {}", path.display());
            generate(&half_made, self.form, self.rows);
        } else {
            fs::copy(self.file("orders"), &half_made).unwrap();
        }
        match name {
            "spread" => change(&half_made, 1, (self.rows / CHANGES).max(1)),
            "clustered" => change(&half_made, self.rows / 2, 1),
            _ => {}
        }
        fs::File::open(&half_made).unwrap().sync_all().unwrap();
        fs::rename(&half_made, &path).unwrap();
        path
    }

    /// A name for scratch files and directories beside the dataset, thus on the same disk.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.dir.join(format!("scratch-{name}"))
    }
}

/// Writes the rows in one transaction.
fn generate(path: &Path, form: &Form, rows: u64) {
    let mut conn = Connection::open(path).unwrap();
    conn.pragma_update(None, "synchronous", "OFF").unwrap();
    conn.execute_batch(form.table).unwrap();
    let tx = conn.transaction().unwrap();
    let mut insert = tx.prepare("INSERT INTO orders VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)").unwrap();
    for id in 1..=rows {
        let mut dice = Dice(id);
        let status = ["new", "paid", "shipped", "returned"][dice.below(4) as usize];
        let cents = dice.below(1_000_000);
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        let note = note(&mut dice, id);
        let (created, updated) = (timestamp(&mut dice, form.between), timestamp(&mut dice, form.between));
        let payload = format!(
            "{{\"sku\":\"SKU-{:06}\",\"quantity\":{},\"gift\":{},\"channel\":\"{}\",\"tags\":[\"a{}\",\"b{}\"],\"session\":\"{:016x}{:016x}\"}}",
            dice.below(1_000_000),
            1 + dice.below(9),
            dice.below(2) == 1,
            ["web", "shop", "phone"][dice.below(3) as usize],
            dice.below(100),
            dice.below(100),
            dice.roll(),
            dice.roll(),
        );
        let customer = i64::try_from(dice.below(50_000)).unwrap();
        insert
            .execute(params![i64::try_from(id).unwrap(), customer, status, amount, note, created, updated, payload])
            .unwrap();
    }
    drop(insert);
    tx.commit().unwrap();
}

/// A fifth of the notes is NULL; the others hold quotes and letters of several bytes.
fn note(dice: &mut Dice, id: u64) -> Option<String> {
    const WORDS: [&str; 8] = ["Grüße", "o'clock", "\"quoted\"", "naïve", "東京", "plain", "delivery", "leave at door"];
    if dice.below(5) == 0 {
        return None;
    }
    let mut note = format!("{id}:");
    while note.len() < 40 {
        note.push(' ');
        note.push_str(WORDS[dice.below(8) as usize]);
    }
    Some(note)
}

fn timestamp(dice: &mut Dice, between: char) -> String {
    let (month, day, hour) = (1 + dice.below(12), 1 + dice.below(28), dice.below(24));
    let (minute, second, micros) = (dice.below(60), dice.below(60), dice.below(1_000_000));
    format!("2025-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}.{micros:06}")
}

/// Changes every `step`-th row from `first` on: of ten, eight have another status, one is gone, one is new.
fn change(path: &Path, first: u64, step: u64) {
    let mut conn = Connection::open(path).unwrap();
    conn.pragma_update(None, "synchronous", "OFF").unwrap();
    let highest: i64 = conn.query_row("SELECT max(id) FROM orders", [], |row| row.get(0)).unwrap();
    let tx = conn.transaction().unwrap();
    for change in 0..CHANGES {
        let id = i64::try_from(first + change * step).unwrap();
        match change % 10 {
            0 => tx.execute("DELETE FROM orders WHERE id = ?1", [id]).unwrap(),
            1 => tx
                .execute(
                    "INSERT INTO orders SELECT ?2 + id, customer_id, status, amount, note, created_at, updated_at, payload
                     FROM orders WHERE id = ?1",
                    [id, highest],
                )
                .unwrap(),
            _ => tx.execute("UPDATE orders SET status = 'changed' WHERE id = ?1", [id]).unwrap(),
        };
    }
    tx.commit().unwrap();
}

/// SplitMix64: numbers that look random and are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }
}
