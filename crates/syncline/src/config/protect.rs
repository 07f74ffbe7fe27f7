//! The guard of protected databases: they take plans only, under whatever name.

use syncline_core::error::{Code, Error, Result};

use super::locate::{Located, Protector};
use super::secret;
use crate::session::Syncline;

impl Syncline {
    /// Refuses to write a database that is protected: by the connection that named it, or by one in force that can be told to lead
    /// to the same place without running a program.
    ///
    /// # Errors
    /// `GUARD_PROTECTED`, and as [`Syncline::config`]: a configuration that cannot be read could protect it.
    pub(crate) async fn check_unprotected(&self, located: &Located) -> Result<()> {
        if let Some(protector) = &located.protected_by {
            return Err(refused(&located.label, protector));
        }
        for connection in self.config().await?.all().filter(|connection| connection.is_protected) {
            let secrets = secret::fetch_at_hand(connection, &self.settings.environment);
            let Some(Ok(name)) = secrets.map(|secrets| self.named_by(connection, &secrets)) else { continue };
            if name.leads_where(&located.name, &self.settings.working_dir) {
                return Err(refused(&located.label, &Protector::of(connection)));
            }
        }
        Ok(())
    }
}

fn refused(label: &str, protector: &Protector) -> Error {
    let Protector { connection, place } = protector;
    let what = match label == connection {
        true => format!("{connection} is protected"),
        false => format!("{label} is where the protected connection {connection} leads"),
    };
    Error::new(Code::GuardProtected, what)
        .because(format!("{place}, says so; a protected database takes only syncline apply PLAN"))
        .leaving("nothing was changed")
        .next(format!("syncline plan copy|mirror SOURCE {connection} -o FILE"), "shows what would be done; then:")
        .next("syncline apply FILE", "does that and nothing else")
        .next(format!("syncline conn edit {connection} --protected no"), "takes the protection away")
}
