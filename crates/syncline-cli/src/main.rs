//! The `syncline` binary: it reads what was typed, asks the library for it, and shows what came of it.
//!
//! Data goes to standard output; progress, notes, questions and errors go to standard error. What was typed
//! ([`args`]) becomes what is meant ([`console`], and each command's request) before anything is opened, and every
//! command is one file in [`commands`].

mod args;
mod commands;
mod console;
mod exit;
mod interrupt;
mod memory;
mod messages;
mod output;
mod paint;
mod progress;
mod prompt;
mod render;

use std::process::ExitCode;

use args::Cli;
use console::Console;
use exit::Exit;
use syncline::error::{Code, Error};

fn main() -> ExitCode {
    memory::give_back_huge_values();
    let cli = match args::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let failed = Error::new(Code::Internal, "the program could not start").because(error.to_string());
            Console::new(&cli.globals, cli.command.shape()).error(&failed.leaving("nothing was changed"));
            return Exit::FAILED.into();
        }
    };
    let exit = runtime.block_on(run(cli));
    // A question still waiting for an answer must not hold up the end.
    runtime.shutdown_background();
    exit.into()
}

async fn run(cli: Cli) -> Exit {
    let console = Console::new(&cli.globals, cli.command.shape());
    let interrupt = console.watch_interrupts();
    let exit = match commands::run(cli.command, &console).await {
        Ok(exit) => exit,
        // Who reads the output has read enough: `syncline diff a b --rows | head`.
        Err(_) if console.output.is_closed() => Exit::PIPE_CLOSED,
        Err(error) => {
            // Whatever has begun to change something says how far it came.
            let error = error.leaving_if_unsaid("nothing was changed");
            console.error(&error);
            Exit::of_error(&error)
        }
    };
    interrupt.named_in(exit)
}
