//! A link that is slow: what goes through it is counted and held to a rate.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that pass at once.
const PIECE: usize = 8 << 10;

/// A port of this machine behind which another one is. All connections share the rate. Dropping it takes no more of them; those
/// that are open go on until one of their ends is gone.
#[derive(Debug)]
pub struct SlowLink {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bytes_per_second: u64,
    bytes: AtomicU64,
    /// When all that was let through will have passed.
    free_at: Mutex<Instant>,
    has_ended: AtomicBool,
}

impl SlowLink {
    /// A link to a port of this machine.
    ///
    /// # Panics
    /// When there is no port for it.
    pub fn to(port: u16, bytes_per_second: u64) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let free_at = Mutex::new(Instant::now());
        let (bytes, has_ended) = (AtomicU64::new(0), AtomicBool::new(false));
        let shared = Arc::new(Shared { bytes_per_second, bytes, free_at, has_ended });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for near in listener.incoming() {
                if accepting.has_ended.load(Ordering::Acquire) {
                    return;
                }
                if let (Ok(near), Ok(far)) = (near, TcpStream::connect(("127.0.0.1", port))) {
                    connect(&near, &far, &accepting);
                }
            }
        });
        Self { address, shared }
    }

    /// The port on 127.0.0.1 that leads there.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Bytes that have passed, in both directions.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for SlowLink {
    fn drop(&mut self) {
        self.shared.has_ended.store(true, Ordering::Release);
        // Wakes who waits for the next one.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    /// Returns when so many more bytes may pass.
    fn wait_for(&self, bytes: usize) {
        let takes = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        let now = Instant::now();
        let until = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            *free_at = now.max(*free_at) + takes;
            *free_at
        };
        thread::sleep(until - now);
    }
}

fn connect(near: &TcpStream, far: &TcpStream, shared: &Arc<Shared>) {
    for (from, to) in [(near, far), (far, near)] {
        let (Ok(mut from), Ok(mut to), shared) = (from.try_clone(), to.try_clone(), Arc::clone(shared)) else {
            return;
        };
        let _ = to.set_nodelay(true);
        thread::spawn(move || {
            let _ = pass(&mut from, &mut to, &shared);
            let _ = to.shutdown(Shutdown::Write);
            let _ = from.shutdown(Shutdown::Read);
        });
    }
}

fn pass(from: &mut TcpStream, to: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    let mut piece = [0; PIECE];
    loop {
        let length = from.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        shared.wait_for(length);
        shared.bytes.fetch_add(length as u64, Ordering::Relaxed);
        to.write_all(&piece[..length])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_is_counted() {
        let server = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let link = SlowLink::to(server.local_addr().unwrap().port(), 1 << 20);
        let mut near = TcpStream::connect(("127.0.0.1", link.port())).unwrap();
        let (mut far, _) = server.accept().unwrap();
        let sent: Vec<u8> = (0..50_000_u32).map(|n| (n % 251) as u8).collect();
        near.write_all(&sent).unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        let (mut came, mut answer) = (Vec::new(), Vec::new());
        far.read_to_end(&mut came).unwrap();
        assert!(came == sent);
        far.write_all(b"yes").unwrap();
        drop(far);
        near.read_to_end(&mut answer).unwrap();
        assert_eq!((answer.as_slice(), link.bytes()), (&b"yes"[..], 50_003));
    }
}
