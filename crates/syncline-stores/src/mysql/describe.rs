//! What a database says about itself.

use syncline_core::error::{Code, Error, Result};
use syncline_core::store::Description;

use super::ENGINE;
use super::connect::{Connection, Product, cell};

/// Which server it is: MySQL has a number for each; one of MariaDB is known by where it keeps its data.
const SERVER_OF_MYSQL: &str = "@@server_uuid";
const SERVER_OF_MARIADB: &str = "CONCAT_WS(':', @@hostname, @@port, @@datadir)";

/// Rights by which somebody may write to a server that is read-only for all others.
const MAY_WRITE_ALL_THE_SAME: [&str; 4] = ["SUPER", "READ_ONLY ADMIN", "READ ONLY ADMIN", "CONNECTION_ADMIN"];

/// The description of the database behind the connection, which has no transaction open.
///
/// # Errors
/// When it cannot be read.
pub async fn describe(connection: &Connection) -> Result<Description> {
    let server = match connection.version.product {
        Product::MySql => SERVER_OF_MYSQL,
        Product::MariaDb => SERVER_OF_MARIADB,
    };
    let question = format!("SELECT {server}, DATABASE(), @@global.read_only");
    let rows = connection.line.query(question).await.map_err(|error| connection.error(error))?;
    let row = rows.first().ok_or_else(|| Error::new(Code::StoreFailed, "the server does not say which it is"))?;
    let is_read_only = cell::<String>(row, 2)? != "0";
    Ok(Description {
        engine: ENGINE,
        version: connection.version.text.clone(),
        identity: format!("{ENGINE}:{}:{}", cell::<String>(row, 0)?, cell::<String>(row, 1)?),
        former_identity: None,
        writable: !is_read_only || may_write_all_the_same(connection).await?,
        // The server's disk is not seen from here.
        free_bytes: None,
    })
}

async fn may_write_all_the_same(connection: &Connection) -> Result<bool> {
    let rows = connection.line.query("SHOW GRANTS").await.map_err(|error| connection.error(error))?;
    let grants = rows.iter().map(|row| cell::<String>(row, 0)).collect::<Result<Vec<_>>>()?;
    Ok(grants.iter().any(|grant| gives_more(grant)))
}

/// Whether a statement of `SHOW GRANTS` gives a right to write to a server that is read-only.
fn gives_more(grant: &str) -> bool {
    let Some((rights, _)) = grant.strip_prefix("GRANT ").and_then(|rest| rest.split_once(" ON *.* TO ")) else {
        return false;
    };
    let mut rights = rights.split(", ");
    rights.any(|right| MAY_WRITE_ALL_THE_SAME.contains(&right) || right == "ALL PRIVILEGES")
}

#[cfg(test)]
mod tests {
    use super::gives_more;

    #[test]
    fn only_rights_on_the_whole_server_open_one_that_is_read_only() {
        assert!(gives_more("GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"));
        assert!(gives_more("GRANT RELOAD, SUPER ON *.* TO `a`@`%`"));
        assert!(gives_more("GRANT READ_ONLY ADMIN ON *.* TO `a`@`%`"));
        assert!(!gives_more("GRANT ALL PRIVILEGES ON `shop`.* TO `a`@`%`"));
        assert!(!gives_more("GRANT SELECT, INSERT ON *.* TO `SUPER`@`%`"));
    }
}
