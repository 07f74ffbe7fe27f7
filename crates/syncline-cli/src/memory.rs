//! The manners of the allocator and of a driver: what a huge value took goes back to the system.
//!
//! The C library raises the size from which it does so with each large value that is freed, up to 32 MB, and keeps what is
//! smaller for later, for each thread anew. Rows of 20 MB then cost twice the memory that is promised, in Rust and in SQLite
//! alike. It takes its settings from the environment only, before the process starts, so the process starts twice.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back_huge_values() {
    use std::os::unix::process::CommandExt;

    /// Half of [`syncline_core::limits::BATCH_BYTES`]: ordinary batches are far smaller, and used again and again.
    const HUGE: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "2097152");
    /// What is kept of smaller ones: named, because naming the one turns off the other's default.
    const KEPT: (&str, &str) = ("MALLOC_TRIM_THRESHOLD_", "4194304");
    /// The driver of MySQL keeps the room of 128 packets, of each as much as this. By itself it would keep 4 MB of each.
    const PACKETS: (&str, &str) = ("MYSQL_ASYNC_BUFFER_SIZE_CAP", "65536");
    /// Every reader of `--jobs` would have a store of freed memory of its own; with these, sixteen take no more than two.
    const SHARED: (&str, &str) = ("MALLOC_ARENA_MAX", "2");

    let is_set = |name: &str| std::env::var_os(name).is_some();
    if is_set(HUGE.0) || is_set(KEPT.0) || is_set("GLIBC_TUNABLES") {
        return;
    }
    let (Ok(program), mut args) = (std::env::current_exe(), std::env::args_os()) else { return };
    let mut again = std::process::Command::new(program);
    if let Some(name) = args.next() {
        again.arg0(name);
    }
    if std::env::args_os().any(|arg| arg.to_str().is_some_and(|arg| arg.starts_with("--jobs"))) {
        again.env(SHARED.0, SHARED.1);
    }
    // Returns only where it failed, and then everything works as well, with more memory.
    let _ = again.args(args).envs([HUGE, KEPT, PACKETS]).exec();
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back_huge_values() {}
