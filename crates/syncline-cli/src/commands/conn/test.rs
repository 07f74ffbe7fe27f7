//! `syncline conn test`.

use clap::Args;
use serde::Serialize;
use syncline::config::ConnectionTest;
use syncline::error::{Code, Result};
use syncline::summary::ErrorReport;

use super::load;
use crate::commands::doctor;
use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::json::List;
use crate::render::text::escape;

/// Opens connections and tells what is there: version, identity, rights.
///
/// Nothing is changed. The exit code is 0 when all is well, else that of the errors that a run would end with.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// The connections [default: all]
    names: Vec<String>,
}

/// How one connection was found to be.
#[derive(Serialize)]
#[serde(untagged)]
enum Tested {
    Opened(Box<ConnectionTest>),
    Failed { connection: String, error: ErrorReport },
}

/// Does it.
pub(super) async fn run(args: TestArgs, console: &Console) -> Result<Exit> {
    let config = load(console)?;
    let in_force = config.connections().into_iter().filter(|(_, in_force)| *in_force);
    let names = if args.names.is_empty() { in_force.map(|(it, _)| it.name.to_string()).collect() } else { args.names };
    names.iter().try_for_each(|name| config.find(name).map(|_| ()))?;
    let progress = console.progress_of_document(false);
    let session = console.open(&progress).await?;
    let mut tested = Vec::new();
    for name in names {
        tested.push(match session.test_connection(&name).await {
            Ok(test) => Tested::Opened(Box::new(test)),
            Err(error) => {
                let mut error = ErrorReport::from(&error.leaving_if_unsaid("nothing was changed"));
                console.complete(&mut error);
                Tested::Failed { connection: name, error }
            }
        });
    }
    progress.finish();
    match console.shape {
        Shape::Json => console.output.json(&List::new("connection-tests", &tested, None))?,
        Shape::Text => tested.iter().try_for_each(|tested| show(tested, console))?,
    }
    Ok(Exit::first_of(&tested.iter().flat_map(Tested::exits).collect::<Vec<_>>()))
}

impl Tested {
    fn exits(&self) -> Vec<Exit> {
        let codes: Vec<&str> = match self {
            Tested::Opened(test) => test.report.findings.iter().filter_map(|finding| finding.code.as_deref()).collect(),
            Tested::Failed { error, .. } => vec![&error.code],
        };
        codes.into_iter().filter_map(Code::from_name).map(|code| Exit(code.exit())).collect()
    }
}

fn show(tested: &Tested, console: &Console) -> Result<()> {
    match tested {
        Tested::Opened(test) => {
            let report = doctor::text(&test.report, console.paint);
            let (head, findings) = report.split_once('\n').unwrap_or((&report, ""));
            let protected = if test.protected { "  protected" } else { "" };
            console.output.text(&format!("{head}{protected}\nidentity {}\n{findings}", escape(&test.identity)))
        }
        Tested::Failed { connection, error } => {
            console.output.text(&format!("{}  failed\n", escape(connection)))?;
            console.messages.report(error);
            Ok(())
        }
    }
}
