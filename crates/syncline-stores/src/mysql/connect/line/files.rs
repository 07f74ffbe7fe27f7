//! Files that a server asks for: bytes of ours, by the name in our own statement, once. It never gets a file.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};
use mysql_async::{InfileData, LocalInfileError};
use tokio::sync::mpsc;

/// What may be asked for.
#[derive(Clone, Default)]
pub(super) struct Files(Arc<Mutex<Offer>>);

#[derive(Default)]
struct Offer {
    number: u64,
    file: Option<(String, mpsc::Receiver<Bytes>)>,
}

impl Files {
    /// A name to ask for bytes by, that no other had.
    pub(super) fn name(&self) -> String {
        let mut offer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        offer.number += 1;
        format!("syncline-{}", offer.number)
    }

    /// Offers bytes by this name, once.
    pub(super) fn offer(&self, name: &str, file: mpsc::Receiver<Bytes>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).file = Some((name.to_owned(), file));
    }

    pub(super) fn withdraw(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).file = None;
    }

    fn take(&self, name: &[u8]) -> Option<mpsc::Receiver<Bytes>> {
        let mut offer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, file) = offer.file.take_if(|(offered, _)| offered.as_bytes() == name)?;
        Some(file)
    }
}

impl mysql_async::prelude::GlobalHandler for Files {
    fn handle(&self, file_name: &[u8]) -> BoxFuture<'static, Result<InfileData, LocalInfileError>> {
        let offered = self.take(file_name);
        async move {
            let file = offered.ok_or(LocalInfileError::NoHandler)?;
            let next = |mut file: mpsc::Receiver<Bytes>| async move { file.recv().await.map(|part| (Ok(part), file)) };
            Ok(stream::unfold(file, next).boxed())
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_offered_is_given_and_only_once() {
        let files = Files::default();
        assert!(files.take(b"/etc/passwd").is_none());
        let file = || mpsc::channel(1).1;
        let name = files.name();
        files.offer(&name, file());
        assert!(files.take(b"/etc/passwd").is_none());
        assert!(files.take(b"").is_none());
        assert!(files.take(name.as_bytes()).is_some());
        assert!(files.take(name.as_bytes()).is_none());
        let withdrawn = files.name();
        files.offer(&withdrawn, file());
        files.withdraw();
        assert!(files.take(withdrawn.as_bytes()).is_none());
    }
}
