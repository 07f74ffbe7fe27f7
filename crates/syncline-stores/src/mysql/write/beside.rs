//! Sessions that load a table beside the writer's own, where more than one may.
//!
//! Each file that they bring is committed by itself. That is hidden as long as the table is: it gets its name behind the
//! commit of the writer's own transaction, and one that never gets it is dropped with whatever is in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use syncline_core::error::Result;
use syncline_core::limits;
use tokio::sync::OnceCell;

use super::session::Session;
use crate::mysql::connect::{ConnectOptions, connect};

/// The sessions, opened when they are first used.
pub(in crate::mysql) struct Beside {
    options: Arc<ConnectOptions>,
    wanted: usize,
    sessions: OnceCell<Vec<Session>>,
    /// They have been in each other's way.
    is_over: AtomicBool,
}

impl Beside {
    /// None, until it is said how many.
    pub(super) fn new(options: Arc<ConnectOptions>) -> Self {
        Self { options, wanted: 1, sessions: OnceCell::new(), is_over: AtomicBool::default() }
    }

    /// How many there may be; one is none, for that is the writer's own.
    pub(super) fn widen(&mut self, sessions: usize) {
        self.wanted = sessions.min(limits::LOAD_SESSIONS_MAX);
    }

    /// The sessions; none where one is to do it alone. Whoever the server lets no more in does too.
    pub(in crate::mysql) async fn sessions(&self) -> &[Session] {
        if self.wanted < 2 || self.is_over.load(Ordering::Relaxed) {
            return &[];
        }
        let opened = self.sessions.get_or_try_init(|| async {
            let mut sessions = Vec::new();
            for _ in 0..self.wanted {
                sessions.push(Session::new(connect(&self.options).await?).await?);
            }
            Result::Ok(sessions)
        });
        opened.await.map_or(&[], Vec::as_slice)
    }

    /// From here on the writer's own session does it alone: rows that are sent again keep places locked that others would
    /// wait for.
    pub(in crate::mysql) fn give_over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}
