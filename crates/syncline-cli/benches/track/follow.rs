//! A follower, while an application writes: how late its changes are, and how long one large statement takes to be there.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::{Engine, Site};
use crate::figure::median;

const ROWS: u64 = 100_000;

/// Transactions a second, and for how long.
const RATE: u64 = 2_000;
const SECONDS: u64 = 10;

/// What a follower has told: when it did, how late the oldest of it was, and how many rows.
type Told = Arc<Mutex<Vec<(f64, u64)>>>;

/// Measures it, and says so in a line.
pub(crate) fn measure(engine: Engine, name: &str) -> String {
    let site = Site::new(engine);
    site.database("followed_rows");
    site.database("following_rows");
    let mut fill = "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(40), n INTEGER); BEGIN;\n".to_owned();
    for first in (1..=ROWS).step_by(1_000) {
        let rows: Vec<String> = (first..first + 1_000).map(|id| format!("({id}, 'v{id}', 0)")).collect();
        let _ = writeln!(fill, "INSERT INTO t VALUES {};", rows.join(","));
    }
    site.run("followed_rows", &(fill + "COMMIT;"));
    site.ok("track", &["followed_rows"]);
    let (mut follower, told) = follow(&site);
    until(|| !told.lock().unwrap().is_empty());
    told.lock().unwrap().clear();
    write(&site);
    until(|| told.lock().unwrap().iter().map(|(_, rows)| rows).sum::<u64>() >= RATE * SECONDS);
    let mut lags: Vec<f64> = told.lock().unwrap().iter().map(|(lag, _)| *lag).collect();
    lags.sort_by(f64::total_cmp);
    told.lock().unwrap().clear();
    let began = Instant::now();
    site.run("followed_rows", "UPDATE t SET n = n + 1;");
    until(|| told.lock().unwrap().iter().map(|(_, rows)| rows).sum::<u64>() >= ROWS);
    let large = began.elapsed().as_secs_f64();
    Command::new("kill").args(["-INT", &follower.id().to_string()]).status().unwrap();
    assert!(follower.wait().unwrap().success(), "the follower failed");
    format!(
        "{name:<26}  {RATE} transactions a second: the oldest of a window late by {:.0} ms (median), {:.0} ms (95 of 100), {} windows; \
         {ROWS} rows in one statement there in {large:.2} s, {:.0} rows/s",
        median(&lags),
        lags[lags.len() * 95 / 100],
        lags.len(),
        ROWS as f64 / large
    )
}

fn follow(site: &Site) -> (Child, Told) {
    let words = ["mirror", "--watch", "--json", "--progress", "none"].map(OsString::from);
    let names = ["followed_rows", "following_rows"].map(|name| site.url(name));
    let mut command = site.syncline(&words.into_iter().chain(names).collect::<Vec<_>>());
    let mut follower = command.stdout(Stdio::piped()).spawn().unwrap();
    let (out, told) = (follower.stdout.take().unwrap(), Told::default());
    let to = Arc::clone(&told);
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok).filter(|line| line.contains("\"followed\"")) {
            let number = |name: &str| {
                let (_, rest) = line.split_once(name)?;
                rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
            };
            let rows = number("\"updated\":").unwrap_or(0);
            to.lock().unwrap().push((number("\"lag_ms\":").unwrap_or(0) as f64, rows));
        }
    });
    (follower, told)
}

/// Writes at a steady pace, each row in a transaction of its own.
fn write(site: &Site) {
    let mut shell = site.shell("followed_rows");
    let stdin = shell.stdin.as_mut().unwrap();
    let (began, mut written) = (Instant::now(), 0);
    while written < RATE * SECONDS {
        let due = (began.elapsed().as_secs_f64() * RATE as f64) as u64;
        while written < due.min(RATE * SECONDS) {
            written += 1;
            writeln!(stdin, "UPDATE t SET n = n + 1 WHERE id = {};", written * 7_919 % ROWS + 1).unwrap();
        }
        stdin.flush().unwrap();
        thread::sleep(Duration::from_millis(2));
    }
    drop(shell.stdin.take());
    assert!(shell.wait().unwrap().success(), "the application failed");
}

fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(120), "the follower does not come");
        thread::sleep(Duration::from_millis(5));
    }
}
