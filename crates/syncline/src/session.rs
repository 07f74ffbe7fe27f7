//! A session: where state is kept, who listens, how to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use syncline_core::cancel::Cancel;
use syncline_core::capture::SlowLinks;
use syncline_core::error::Result;
use syncline_core::event::{Event, EventSink};
use syncline_core::pace::{Clock, Rate};
use tokio::sync::OnceCell;

use crate::config::{Config, ConfigPlaces, Located};
use crate::pace::WallClock;
use crate::state::State;
use crate::sync_log::LogHook;

/// Looks up a variable of the environment.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a session is opened with. A library reads no environment of its own, so its user passes one.
pub struct Settings {
    /// The directory for runs and before-images. It is created when the first command needs it.
    pub state_dir: PathBuf,
    /// The directory for backups that are given no name of their own; `backups` in the state directory when `None`.
    pub backup_root: Option<PathBuf>,
    /// The directory that relative paths start from; absolute.
    pub working_dir: PathBuf,
    /// Looks up a variable, for databases named `env:NAME` and for `${env:NAME}` in the url of a connection.
    pub environment: Environment,
    /// Where connections are looked for. It is read once a database is named that could be one.
    pub config: ConfigPlaces,
    /// Is told what happens.
    pub events: Arc<dyn EventSink>,
    /// Stops the work between two batches.
    pub cancel: Cancel,
}

/// A session. Its methods are the commands; each says what it needs and what it leaves behind.
pub struct Syncline {
    pub(crate) settings: Settings,
    /// The highest rate at which this session reads and writes.
    pub(crate) rate: Option<Rate>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How many tables are read side by side.
    pub(crate) jobs: Option<usize>,
    /// Which links are slow.
    pub(crate) slow_links: SlowLinks,
    state: OnceCell<State>,
    config: OnceCell<Config>,
    /// Connections whose secrets were fetched, so that nobody is asked twice.
    located: Mutex<BTreeMap<String, Located>>,
    /// Remarks that are made once a session.
    said: Mutex<BTreeSet<String>>,
    /// Is told what goes into the synchronization log.
    pub(crate) log_hook: Option<Arc<LogHook>>,
    /// The run that the command at work has entered into the state.
    pub(crate) entered: Mutex<Option<String>>,
}

impl Syncline {
    /// Opens a session. Nothing is touched yet: commands that only read need no state.
    ///
    /// # Errors
    /// None so far.
    pub async fn open(settings: Settings) -> Result<Self> {
        Ok(Self {
            settings,
            rate: None,
            clock: Arc::new(WallClock::start()),
            jobs: None,
            slow_links: SlowLinks::default(),
            state: OnceCell::new(),
            config: OnceCell::new(),
            located: Mutex::default(),
            said: Mutex::default(),
            log_hook: None,
            entered: Mutex::default(),
        })
    }

    /// The configuration that is in force.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub async fn config(&self) -> Result<&Config> {
        let load = async || Config::load(&self.settings.config, &self.settings.working_dir);
        self.config.get_or_try_init(load).await
    }

    /// What a connection was found to be, if it was asked for before.
    pub(crate) fn located(&self, reference: &str) -> Option<Located> {
        self.located.lock().unwrap_or_else(PoisonError::into_inner).get(reference).cloned()
    }

    /// Remembers what a connection was found to be.
    pub(crate) fn remember(&self, reference: String, located: Located) {
        self.located.lock().unwrap_or_else(PoisonError::into_inner).insert(reference, located);
    }

    pub(crate) async fn state(&self) -> Result<&State> {
        self.state.get_or_try_init(|| State::open(&self.settings.state_dir)).await
    }

    /// Makes a remark for a person, unless this session has made it before: a command opens a database several times.
    pub(crate) fn remark(&self, remark: impl Into<String>) {
        let remark = remark.into();
        if self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(remark.clone()) {
            self.events().emit(Event::Note(remark));
        }
    }

    /// The state, if a command of this session has needed it.
    pub(crate) fn opened_state(&self) -> Option<&State> {
        self.state.get()
    }

    pub(crate) fn cancel(&self) -> &Cancel {
        &self.settings.cancel
    }

    pub(crate) fn events(&self) -> &dyn EventSink {
        &*self.settings.events
    }

    pub(crate) fn note(&self, text: impl Into<String>) {
        self.settings.events.emit(Event::Note(text.into()));
    }
}

/// How often a run looks whether another process asked it to stop.
const CANCEL_POLL: Duration = Duration::from_millis(500);

/// Ends the watch for a request to cancel when dropped.
pub(crate) struct CancelWatch(tokio::task::JoinHandle<()>);

impl Drop for CancelWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Syncline {
    /// Raises the session's flag once another process asks this run to stop.
    pub(crate) async fn watch_for_cancel(&self, run: &str) -> Result<CancelWatch> {
        let (state, cancel, run) = (self.state().await?.clone(), self.cancel().clone(), run.to_owned());
        let events = self.settings.events.clone();
        Ok(CancelWatch(tokio::spawn(async move {
            loop {
                tokio::time::sleep(CANCEL_POLL).await;
                match state.is_cancel_requested(&run).await {
                    Ok(false) => {}
                    Ok(true) => return cancel.cancel(),
                    Err(error) => {
                        events.emit(Event::Note(format!("requests to cancel cannot be seen any more: {error}")));
                        return;
                    }
                }
            }
        })))
    }
}

/// The wall clock in milliseconds since 1970. Runs are stamped with it for people; nothing is ordered by it.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
