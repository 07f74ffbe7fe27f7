//! Something between us and a server that does what networks do.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    FromServer,
    ToServer,
}

/// Passes bytes on to a server, until it is to cut a connection.
pub(super) struct Proxy {
    pub(super) port: u16,
    limits: Arc<Limits>,
}

/// How many bytes may still go over any one connection.
struct Limits {
    from_server: AtomicU64,
    to_server: AtomicU64,
}

impl Limits {
    fn of(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::FromServer => &self.from_server,
            Way::ToServer => &self.to_server,
        }
    }
}

impl Proxy {
    /// A proxy for the server on this port of this machine. It ends with the process.
    pub(super) fn to(server: u16) -> Self {
        let limits = Arc::new(Limits { from_server: AtomicU64::new(u64::MAX), to_server: AtomicU64::new(u64::MAX) });
        let of_threads = Arc::clone(&limits);
        let port = listen(move |client| {
            let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
            for way in [Way::FromServer, Way::ToServer] {
                let (from, to) = match way {
                    Way::FromServer => (&server, &client),
                    Way::ToServer => (&client, &server),
                };
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                let limits = Arc::clone(&of_threads);
                thread::spawn(move || pass_on(from, to, limits.of(way)));
            }
        });
        Self { port, limits }
    }

    /// Cuts every connection once so many bytes have gone this way.
    pub(super) fn cut_after(&self, way: Way, bytes: u64) {
        self.limits.of(way).store(bytes, Ordering::Release);
    }

    /// Cuts no more.
    pub(super) fn mend(&self) {
        self.cut_after(Way::FromServer, u64::MAX);
        self.cut_after(Way::ToServer, u64::MAX);
    }
}

/// Somebody who says for the server that it has no encryption, and listens to what is said in the clear.
pub(super) fn stripping_tls() -> u16 {
    listen(|mut client| {
        let mut asked = [0; 8];
        if client.read_exact(&mut asked).is_ok() {
            let _ = client.write_all(b"N");
            let _ = client.read(&mut asked);
        }
    })
}

/// Answers every connection in a thread of its own, and returns the port.
fn listen(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || answer(client));
        }
    });
    port
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, limit: &AtomicU64) {
    let (mut buffer, mut passed) = ([0; 4096], 0);
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        passed += read as u64;
        if passed > limit.load(Ordering::Acquire) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
