//! A follower, while an application writes: how late its changes are, and how long one large statement takes to be there.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::{Engine, Site};
use crate::figure::{Bound, Figure, median};
use crate::native::Subscription;

const ROWS: u64 = 100_000;

/// For how long transactions come one by one.
const SECONDS: u64 = 10;

/// Transactions a second: what one session of the engine's shell manages on a disk of some speed.
fn rate(engine: Engine) -> u64 {
    if engine == Engine::Mariadb { 1_000 } else { 2_000 }
}

/// What a follower has told: when it did, and how many rows had come by then.
type Told = Arc<Mutex<Vec<(Instant, u64)>>>;

/// Measures it, and says so in lines.
pub(crate) fn measure(engine: Engine, name: &str, rounds: usize) {
    let site = Site::new(engine);
    site.database("followed_rows");
    site.database("following_rows");
    let mut fill = "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(40), n INTEGER); BEGIN;\n".to_owned();
    for first in (1..=ROWS).step_by(1_000) {
        let rows: Vec<String> = (first..first + 1_000).map(|id| format!("({id}, 'v{id}', 0)")).collect();
        let _ = writeln!(fill, "INSERT INTO t VALUES {};", rows.join(","));
    }
    fill += "COMMIT;";
    site.run("followed_rows", &fill);
    site.ok("track", &["followed_rows"]);
    let (mut follower, told) = follow(&site);
    until(|| !told.lock().unwrap().is_empty());
    println!("{}", lag(&site, name, &told));
    let native = (engine == Engine::Postgres).then(|| Subscription::new(&fill, ROWS));
    let mut figure = Figure { ours: Vec::new(), beside: Vec::new() };
    for round in 0..rounds {
        let before = carried(&told);
        let began = Instant::now();
        site.run("followed_rows", "UPDATE t SET n = n + 1;");
        until(|| carried(&told) >= before + ROWS);
        figure.ours.push(began.elapsed().as_secs_f64());
        figure.beside.extend(native.as_ref().map(|native| native.update(round)));
    }
    println!("{}", figure.line(&format!("{name} {ROWS} rows"), Bound::Ratio(1.0)));
    println!("{:<26}  {:.0} rows a second", "", ROWS as f64 / median(&figure.ours));
    Command::new("kill").args(["-INT", &follower.id().to_string()]).status().unwrap();
    assert!(follower.wait().unwrap().success(), "the follower failed");
}

/// How late each transaction is, from when the application was to write it until its window was told of as durable. No row is
/// written twice and windows carry them in order, so the numbers of rows tell which these are.
fn lag(site: &Site, name: &str, told: &Told) -> String {
    let (before, rate) = (carried(told), rate(site.engine));
    let began = write(site, rate);
    until(|| carried(told) >= before + rate * SECONDS);
    let windows: Vec<(Instant, u64)> =
        told.lock().unwrap().iter().filter(|(_, rows)| *rows > before).copied().collect();
    let mut lags = Vec::new();
    let mut arrived = windows.iter().peekable();
    for number in 1..=rate * SECONDS {
        while arrived.peek().is_some_and(|(_, rows)| *rows < before + number) {
            arrived.next();
        }
        let Some((at, _)) = arrived.peek() else { break };
        let due = began + Duration::from_secs_f64(number as f64 / rate as f64);
        lags.push(at.saturating_duration_since(due).as_secs_f64() * 1_000.0);
    }
    lags.sort_by(f64::total_cmp);
    format!(
        "{name:<26}  {rate} transactions a second: late by {:.0} ms (median), {:.0} ms (95 of 100), {} windows; 50 ms wanted",
        median(&lags),
        lags[lags.len() * 95 / 100],
        windows.len()
    )
}

/// Rows that the follower has told of.
fn carried(told: &Told) -> u64 {
    told.lock().unwrap().last().map_or(0, |(_, rows)| *rows)
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
            let mut told = to.lock().unwrap();
            let before = told.last().map_or(0, |(_, rows)| *rows);
            told.push((Instant::now(), before + rows));
        }
    });
    (follower, told)
}

/// Writes at a steady pace from the returned moment on, each row in a transaction of its own.
fn write(site: &Site, rate: u64) -> Instant {
    let mut shell = site.shell("followed_rows");
    let stdin = shell.stdin.as_mut().unwrap();
    let (began, mut written) = (Instant::now(), 0);
    while written < rate * SECONDS {
        let due = (began.elapsed().as_secs_f64() * rate as f64) as u64;
        while written < due.min(rate * SECONDS) {
            written += 1;
            writeln!(stdin, "UPDATE t SET n = n + 1 WHERE id = {};", written * 7_919 % ROWS + 1).unwrap();
        }
        stdin.flush().unwrap();
        thread::sleep(Duration::from_millis(2));
    }
    drop(shell.stdin.take());
    assert!(shell.wait().unwrap().success(), "the application failed");
    began
}

/// Waits for it, not without an end.
pub(crate) fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(120), "the follower does not come");
        thread::sleep(Duration::from_millis(5));
    }
}
