//! Ports for servers of tests.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports of servers: below those that the system gives to outgoing connections, so that none of these can take a port
/// while its server is restarted.
pub(super) const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How often another port is tried when somebody was faster.
pub(super) const ATTEMPTS: usize = 20;

/// A port that nobody listens on at this moment. Processes begin at different ones, so that they seldom meet.
pub(super) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.end - PORTS.start;
    loop {
        let step = u64::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + ((u64::from(process::id()) * 37 + step) % u64::from(count)) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
