//! The proof that a restore of a PostgreSQL database which dies leaves the old content or the new, never a mixture: SIGKILL of the
//! process at random instants and once everything is locked, or of the server, while readers look on.
//!
//! `cargo xtask prove kill-restore-postgres` runs 300 rounds, `cargo test` six.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use syncline_testkit::deterministic::Numbers;
use syncline_testkit::postgres::{Cluster, Database, Options, Stop};
use syncline_testkit::process::{self, Killed, Running};
use syncline_testkit::prove::rounds;

use crate::prove::say;
use crate::scene::Scene;

/// Rounds of the full form.
const ROUNDS: u32 = 300;

/// Rounds that are enough to see everything once.
const ROTATION: u32 = 30;

/// What came of all rounds.
#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    in_transaction: u32,
    of_server: u32,
    left_old: u32,
    left_new: u32,
    refused_undos: u32,
    undone: u32,
    looks: u64,
}

/// One round: the target holds the old content, the backup the new.
struct Round<'c> {
    scene: Scene,
    cluster: &'c Cluster,
    target: Database<'c>,
    numbers: Numbers,
    /// The run that has made the old content what it is.
    run: String,
}

#[test]
fn kill_restore() {
    let (rounds, mut tally) = (rounds(ROUNDS), Tally::default());
    // What a run keeps of a URL has no password, and an undo goes by that.
    let cluster = Options::default().without_fsync().hba("host all all 127.0.0.1/32 trust").start();
    match std::env::var("SYNCLINE_PROVE_SEED") {
        Ok(seed) => play(seed.parse().expect("SYNCLINE_PROVE_SEED is a number"), &cluster, &mut tally),
        Err(_) => (0..rounds).for_each(|seed| play(seed, &cluster, &mut tally)),
    }
    say(&tally.to_string());
    if rounds >= ROTATION {
        tally.must_mean_something();
    }
}

fn play(seed: u32, cluster: &Cluster, tally: &mut Tally) {
    println!("seed {seed}");
    let mut round = Round::new(seed, cluster);
    let killed = round.kill(seed, tally);
    cluster.start();
    let content = round.content();
    match content {
        "old" => tally.left_old += 1,
        _ => tally.left_new += 1,
    }
    if killed.ended_before && killed.finished.code == Some(0) {
        assert_eq!(content, "new", "it said that it was done");
    }
    tally.kills += u32::from(!killed.ended_before);
    round.try_undo(content, tally);
    round.again();
}

/// Tables of one side, which reference each other, and one that only this side has.
fn fill(database: &Database<'_>, side: &str, rows: u32) {
    database.psql(&format!(
        "CREATE TABLE t (id int PRIMARY KEY, side text NOT NULL, filler text);
         INSERT INTO t SELECT i, '{side}', repeat(md5(i::text), 12) FROM generate_series(1, {rows}) i;
         CREATE TABLE child (id int PRIMARY KEY, t int NOT NULL REFERENCES t, side text NOT NULL);
         INSERT INTO child SELECT i, i, '{side}' FROM generate_series(1, {rows} / 2) i; CREATE INDEX ON child (side);
         CREATE TABLE only_{side} AS SELECT {rows} AS count; CREATE VIEW seen AS SELECT side FROM t"
    ));
}

impl<'c> Round<'c> {
    fn new(seed: u32, cluster: &'c Cluster) -> Self {
        let mut numbers = Numbers::new(u64::from(seed));
        let sizes = [200, 3_000, 20_000];
        let (old, new) = (*numbers.pick(&sizes), *numbers.pick(&sizes));
        let [source, other, target] = [(); 3].map(|()| cluster.fresh_database());
        fill(&source, "old", old);
        fill(&other, "new", new);
        let url =
            |database: &Database<'_>| format!("postgres://postgres@127.0.0.1:{}/{}", cluster.port(), database.name());
        let scene = Scene::new().with_variable("OTHER", &url(&other)).with_variable("OLD", &url(&source));
        let scene = scene.with_variable("TARGET", &url(&target));
        scene.ok("backup env:OTHER -o backup.dump");
        // The old content comes from a run, which must not be undone once the new one is there.
        target.psql("CREATE VIEW placed AS SELECT 1 AS x");
        let summary = scene.run("mirror env:OLD env:TARGET --no-verify --json").last();
        target.psql("CREATE VIEW seen AS SELECT side FROM t");
        let run = summary["run"].as_str().unwrap().to_owned();
        Self { scene, cluster, target, numbers, run }
    }

    /// Kills a restore: every other time once everything is locked, else anywhere; every fifth time it is the server that dies.
    fn kill(&mut self, seed: u32, tally: &mut Tally) -> Killed {
        let done = AtomicBool::new(false);
        let (target, is_of_server) = (&self.target, seed % 5 == 4);
        thread::scope(|scope| {
            let reader = (!is_of_server).then(|| scope.spawn(|| read_on(target, &done)));
            let mut running = Running::start(self.scene.command(&["restore", "backup.dump", "env:TARGET", "--yes"]));
            let seen = seed.is_multiple_of(2) && wait_for_transaction(target, &mut running);
            let delay = Duration::from_micros(self.numbers.below(if seen { 120_000 } else { 900_000 }));
            let killed = if is_of_server {
                running.ends_within(delay);
                self.cluster.stop(Stop::Kill);
                tally.of_server += 1;
                let ended_before = running.ends_within(Duration::ZERO);
                let finished = running.finish(process::DEADLINE);
                Killed { ended_before: ended_before || finished.code == Some(0), finished }
            } else {
                process::kill_after(running, delay)
            };
            tally.in_transaction += u32::from(seen && !killed.ended_before);
            done.store(true, Ordering::Release);
            tally.looks +=
                reader.map_or(0, |reader| reader.join().unwrap_or_else(|why| std::panic::resume_unwind(why)));
            killed
        })
    }

    /// Which content the target holds, whole.
    fn content(&self) -> &'static str {
        let sides = "SELECT min(side), max(side), count(*) FROM t";
        let seen = self.target.psql(sides);
        let [first, last, count] = seen.trim().split('|').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(first, last, "a mixture");
        let of_child = "SELECT coalesce(min(side), ''), coalesce(max(side), ''), count(*) FROM child";
        let rows: u32 = count.parse().unwrap();
        assert_eq!(self.target.psql(of_child).trim(), format!("{first}|{first}|{}", rows / 2));
        assert_eq!(self.target.psql(&format!("SELECT count FROM only_{first}")).trim(), count);
        let names = "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class \
             WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND relname !~ '^_syncline'";
        let (names, side) = (self.target.psql(names), if first == "old" { "old" } else { "new" });
        let expected = if side == "old" { "child,only_old,placed,seen,t" } else { "child,only_new,seen,t" };
        assert_eq!(names.trim(), expected);
        side
    }

    /// A run that wrote the old content is never undone on the new.
    fn try_undo(&self, content: &str, tally: &mut Tally) {
        self.target.psql("DROP VIEW seen");
        let said = self.scene.run(&format!("undo {} --yes --json", self.run));
        match said.code {
            Some(6) => {
                assert_eq!(said.last()["code"], "UNDO_STALE", "{}", said.out);
                tally.refused_undos += 1;
                assert_eq!(self.target.psql("SELECT DISTINCT side FROM t").trim(), content, "it was refused");
            }
            Some(0) => {
                assert_eq!(content, "old", "undone on content it did not write");
                tally.undone += 1;
            }
            other => panic!("{other:?}: {}{}", said.out, said.err),
        }
    }

    /// The next restore comes to its end, and nothing is left of the one that died.
    fn again(&self) {
        self.scene.ok("restore backup.dump env:TARGET --yes -q");
        assert_eq!(self.content(), "new");
        let left = std::fs::read_dir(self.scene.path("state/backups")).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains(".syncline-draft")).collect();
        assert!(left.is_empty(), "{left:?} is left of what was killed");
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'syncline%' AND state <> 'idle' \
             AND datname = current_database()";
        assert_eq!(self.target.psql(sessions).trim(), "0");
    }
}

/// Waits until everything is locked, or the restore is at its end.
fn wait_for_transaction(target: &Database<'_>, running: &mut Running) -> bool {
    let held = "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' AND locktype = 'relation' \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) && !running.ends_within(Duration::ZERO) {
        if target.psql(held).trim() != "0" {
            return true;
        }
    }
    false
}

/// Looks at the target all the time: it always holds one content, whole. Returns how often it looked.
fn read_on(target: &Database<'_>, done: &AtomicBool) -> u64 {
    let mut session = target.session();
    let (mut looks, mut counts): (u64, Vec<(String, String)>) = (0, Vec::new());
    while !done.load(Ordering::Acquire) {
        let (seen, state) = session.run("SELECT min(side), max(side), count(*) FROM t");
        assert_eq!(state, "00000", "a reader was refused");
        let [first, last, count] = seen.trim().split('|').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(first, last, "a reader saw a mixture");
        match counts.iter().find(|(side, _)| side == first) {
            Some((_, known)) => assert_eq!(known, count, "a reader saw a part of the {first} content"),
            None => counts.push((first.to_owned(), count.to_owned())),
        }
        looks += 1;
        thread::sleep(Duration::from_millis(3));
    }
    looks
}

impl Tally {
    /// Panics unless what the proof is about has happened.
    fn must_mean_something(&self) {
        assert!(self.kills > 0 && self.of_server > 0, "nothing was killed");
        assert!(self.in_transaction > 0, "nothing was killed while it wrote");
        assert!(self.left_old > 0 && self.left_new > 0, "only one content was ever left");
        assert!(self.refused_undos > 0, "no undo was refused");
        assert!(self.looks > 0, "nobody looked on");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kills, servers) = (self.kills, self.of_server);
        writeln!(
            f,
            "kills             {kills}, {} once it had locked everything; {servers} of a server",
            self.in_transaction
        )?;
        writeln!(f, "left              {} old, {} new", self.left_old, self.left_new)?;
        writeln!(f, "undos             {} refused, {} done on the old content", self.refused_undos, self.undone)?;
        write!(f, "looks             {}", self.looks)
    }
}
