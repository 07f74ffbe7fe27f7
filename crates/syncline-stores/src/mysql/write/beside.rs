//! Sessions that load a table beside the writer's own, where more than one may.
//!
//! Each file that they bring is committed by itself. That is hidden as long as the table is: it gets its name behind the
//! commit of the writer's own transaction, and one that never gets it is dropped with whatever is in it.

use std::sync::Arc;

use syncline_core::error::Result;
use syncline_core::limits;
use tokio::sync::Mutex;

use super::session::Session;
use crate::mysql::connect::{ConnectOptions, connect_if_free};

/// The sessions, opened when they are first used.
pub(in crate::mysql) struct Beside {
    options: Arc<ConnectOptions>,
    wanted: usize,
    state: Mutex<State>,
}

enum State {
    Closed,
    Open(Arc<[Session]>),
    /// They have been in each other's way.
    Over,
}

impl Beside {
    /// None, until it is said how many.
    pub(super) fn new(options: Arc<ConnectOptions>) -> Self {
        Self { options, wanted: 1, state: Mutex::new(State::Closed) }
    }

    /// How many there may be; one is none, for that is the writer's own.
    pub(super) fn widen(&mut self, sessions: usize) {
        self.wanted = sessions.min(limits::LOAD_SESSIONS_MAX);
    }

    /// The sessions; none where one is to do it alone. Whoever the server lets no more in does too.
    pub(in crate::mysql) async fn sessions(&self) -> Option<Arc<[Session]>> {
        if self.wanted < 2 {
            return None;
        }
        let mut state = self.state.lock().await;
        match &*state {
            State::Over => None,
            State::Open(sessions) => Some(Arc::clone(sessions)),
            State::Closed => {
                let sessions = self.open().await.ok()?;
                *state = State::Open(Arc::clone(&sessions));
                Some(sessions)
            }
        }
    }

    /// Closes them: others are to have the places of a server that lets few in.
    pub(super) async fn close(&self) {
        let mut state = self.state.lock().await;
        if let State::Open(_) = *state {
            *state = State::Closed;
        }
    }

    /// From here on the writer's own session does it alone: rows that are sent again keep places locked that others would
    /// wait for.
    pub(in crate::mysql) async fn give_over(&self) {
        *self.state.lock().await = State::Over;
    }

    async fn open(&self) -> Result<Arc<[Session]>> {
        let mut sessions = Vec::new();
        for _ in 0..self.wanted {
            sessions.push(Session::new(connect_if_free(&self.options).await?).await?);
        }
        Ok(sessions.into())
    }
}
