//! `syncline restore`: a database made what a backup holds.

use std::time::Duration;

use clap::Args;
use syncline::error::Result;
use syncline::{DatabaseName, Owners, RestorePlan, RestoreReport, RestoreRequest};

use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::text::{bytes, counted, duration, escape, quote};

/// Makes a database what a backup holds: everything in it is replaced, in one transaction.
///
/// The backup is checked first, and what is there is kept as a backup in the backup root. Programs that have the database
/// open can keep it open: they see the old content whole, then the new content whole. What they write while the restore is
/// under way is lost, or waits until it is done where a server keeps the database, so stop those that write.
///
/// A backup of a PostgreSQL database is put back by way of the server's own pg_restore. Those of MySQL and MariaDB are made in
/// a database beside, and all tables are exchanged at once; views, routines and triggers follow.
///
/// Shown as a plan first. Under --json the first line is the plan and the last what was done; without --yes nothing is
/// restored and the last line is the error CONFIRMATION_NEEDED.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup: any SQLite database, an archive of pg_dump, or a script that backup has made, for a database of the same engine
    #[arg(value_name = "FILE")]
    backup: String,
    /// The database to replace; a missing SQLite file is made
    #[arg(value_name = "DB")]
    target: String,
    /// Do not keep what is there before
    #[arg(long)]
    no_safety_backup: bool,
    /// Give everything to the login that restores, and grant no rights: for a server without the roles of the backup
    #[arg(long)]
    no_owner: bool,
}

/// Does it.
pub(super) async fn run(args: RestoreArgs, console: &Console) -> Result<Exit> {
    let progress = console.progress_of_document(false);
    let session = console.open(&progress).await?;
    let again = again(&args);
    let target = DatabaseName::without_password(&args.target).into_owned();
    let owners = if args.no_owner { Owners::Restorer } else { Owners::AsSaved };
    let safety_backup = !args.no_safety_backup;
    let request = RestoreRequest { backup: args.backup, target: args.target, safety_backup, owners };
    let plan = session.restore_plan(&request).await?;
    show_plan(&plan, console)?;
    if !console.prompt.confirm("Restore it?", &again)? {
        console.messages.note("nothing was changed");
        return Ok(Exit::FAILED);
    }
    let done = session.restore(&request).await;
    progress.finish();
    console.present(&done?, |done| text(done, &target, console))?;
    Ok(Exit::DONE)
}

fn again(args: &RestoreArgs) -> String {
    let flag = |is_given, flag| if is_given { flag } else { "" };
    let (kept, owner) = (flag(args.no_safety_backup, " --no-safety-backup"), flag(args.no_owner, " --no-owner"));
    let shown = |name: &str| quote(&DatabaseName::without_password(name));
    format!("restore {} {}{kept}{owner}", shown(&args.backup), shown(&args.target))
}

fn show_plan(plan: &RestorePlan, console: &Console) -> Result<()> {
    match console.shape {
        Shape::Json => console.output.json(plan),
        // Who is asked must see what about, wherever the output goes.
        Shape::Text if console.prompt.will_ask() => {
            console.messages.show(&plan_text(plan));
            Ok(())
        }
        Shape::Text => console.output.text(&plan_text(plan)),
    }
}

fn plan_text(plan: &RestorePlan) -> String {
    let mut shown = format!("restore  {} -> {}\n", escape(&plan.backup), escape(&plan.target));
    let mut fact = |name: &str, value: String| shown += &format!("{name:9}  {value}\n");
    fact("backup", format!("{}, {}, checked", counted(plan.tables, "table"), bytes(plan.bytes)));
    match plan.replaces_bytes {
        None => fact("target", "is not there yet and will be made".to_owned()),
        Some(size) => fact("target", format!("{} are replaced, with all that was written since", bytes(size))),
    }
    match (&plan.safety_backup_in, plan.replaces_bytes) {
        (Some(root), _) => fact("kept", format!("as a backup in {}", escape(root))),
        (None, Some(_)) => fact("kept", "nothing, as asked".to_owned()),
        (None, None) => {}
    }
    shown
}

fn text(done: &RestoreReport, target: &str, console: &Console) -> String {
    let took = duration(Duration::from_millis(done.duration_ms));
    let size = format!("{}, {}", counted(done.tables, "table"), bytes(done.bytes));
    let mut shown = format!(
        "{}  {} restored, {size}, in {took}  run {}\n",
        console.paint.good("ok"),
        escape(&done.target),
        done.run
    );
    if let Some(kept) = &done.safety_backup {
        shown += &format!("what was there is kept in {}\n", escape(kept));
        if !console.is_quiet {
            let back = format!("restore {} {}", quote(kept), quote(target));
            shown += &format!("to go back: {}\n", console.command(&back));
        }
    }
    shown
}
