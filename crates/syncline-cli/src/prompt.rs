//! Questions: asked on standard error, answered on a terminal, agreed to beforehand with `--yes`.

use std::io::{self, BufRead, IsTerminal};

use syncline::error::{Code, Error, Result};

use crate::interrupt::Interrupt;
use crate::messages::Messages;

/// Whether and how questions may be asked.
#[derive(Clone)]
pub(crate) struct Prompt {
    /// Everything is agreed to.
    pub(crate) is_agreed: bool,
    /// Nothing may be asked.
    pub(crate) is_mute: bool,
    /// Where the question is shown.
    pub(crate) messages: Messages,
    /// An interrupt while a question waits ends the process.
    pub(crate) interrupt: Interrupt,
}

impl Prompt {
    /// Whether a person would be asked, rather than agreed or refused beforehand.
    pub(crate) fn will_ask(&self) -> bool {
        !self.is_agreed && self.can_ask()
    }

    /// Asks, and returns whether the answer was yes. `command` is what follows the name of the program when that is agreed
    /// beforehand.
    ///
    /// # Errors
    /// When there is nobody to ask.
    pub(crate) fn confirm(&self, question: &str, command: &str) -> Result<bool> {
        if self.is_agreed {
            return Ok(true);
        }
        if !self.will_ask() {
            let why = if self.is_mute { "questions are switched off" } else { "standard input is no terminal" };
            return Err(Error::new(Code::ConfirmationNeeded, "this asks before it changes something")
                .because(why)
                .leaving("nothing was changed")
                .next(format!("syncline {command} --yes"), "agree beforehand"));
        }
        Ok(self.ask(&format!("{question} [y/N]")).is_some_and(|line| is_yes(&line)))
    }

    /// Asks for a line and returns it without the spaces around it; `None` at the end of input. Only for those that
    /// [`Prompt::can_ask`].
    pub(crate) fn ask(&self, question: &str) -> Option<String> {
        self.messages.show(&format!("{question} "));
        let answer = self.interrupt.at_once(|| {
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line).map(|bytes| (bytes > 0).then_some(line))
        });
        answer.ok().flatten().map(|line| line.trim().to_owned())
    }

    /// Whether there is a person to type something.
    pub(crate) fn can_ask(&self) -> bool {
        !self.is_mute && io::stdin().is_terminal()
    }
}

/// Whether an answer agrees.
pub(crate) fn is_yes(answer: &str) -> bool {
    matches!(answer.to_lowercase().as_str(), "y" | "yes")
}
