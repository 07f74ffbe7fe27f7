//! One process from its start to its end: how long it took, what it used.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often a running process is asked for its memory. Its peak only rises, so at most what it took in its last moment
/// is missed.
const POLL: Duration = Duration::from_millis(4);

/// Ticks of the clock that Linux counts processor time in, a second.
const TICKS: f64 = 100.0;

/// What one process used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// From start to end.
    pub(crate) seconds: f64,
    /// Processor time of the process and those it started, in the kernel and outside. A server's is not among them.
    pub(crate) cpu_seconds: f64,
    /// The most memory that one of them held at once, in MB.
    pub(crate) peak_mb: f64,
}

/// Runs a command to its end.
///
/// # Panics
/// When it fails: a benchmark of something that does not work measures nothing.
pub(crate) fn run(mut command: Command) -> Used {
    let cpu_before = cpu_of_children();
    let begin = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let id = child.id().to_string();
    let watch = thread::spawn(move || {
        let mut peak = 0.0_f64;
        while let Some(held) = peak_mb(&id) {
            peak = peak.max(held);
            thread::sleep(POLL);
        }
        peak
    });
    let status = child.wait().unwrap();
    let seconds = begin.elapsed().as_secs_f64();
    assert!(status.success(), "{command:?} ended with {status}");
    Used { seconds, cpu_seconds: cpu_of_children() - cpu_before, peak_mb: watch.join().unwrap() }
}

/// The most that a process, or one below it, has held so far; nothing once it has ended.
fn peak_mb(id: &str) -> Option<f64> {
    // The file loses the line when the process has ended, and goes when it has been waited for.
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    let below = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let below = below.split_whitespace().filter_map(peak_mb);
    Some(below.fold(kib * 1024.0 / 1e6, f64::max))
}

/// Processor time of all processes that were started and waited for, which is counted when they are.
fn cpu_of_children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name in brackets may hold anything; what follows it is numbers.
    let (_, numbers) = stat.rsplit_once(')').unwrap();
    let ticks = |at: usize| numbers.split_whitespace().nth(at).unwrap().parse::<f64>().unwrap();
    // Fields 16 and 17 of proc(5): cutime and cstime.
    (ticks(13) + ticks(14)) / TICKS
}
