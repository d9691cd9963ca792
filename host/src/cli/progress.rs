//! What a person sees while a command takes long: a line on standard error that moves and then is gone. Where standard
//! error is no terminal there is nothing at all, so that scripts and logs stay clean.

use std::{
    io::{IsTerminal as _, stderr},
    sync::Once,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the line moves.
const TICK: Duration = Duration::from_millis(120);

/// Work that takes long, shown while this lives.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    ticking: Once,
}

impl Progress {
    /// Shows `message` until [`finish`](Self::finish), or until this is dropped.
    #[must_use]
    pub fn start(message: &str) -> Self {
        let progress = Self::idle();
        progress.say(message);
        progress
    }

    /// Shows nothing before the first message.
    #[must_use]
    pub fn idle() -> Self {
        let bar = match stderr().is_terminal() {
            true => ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(spinner()),
            false => ProgressBar::hidden(),
        };
        Self { bar, ticking: Once::new() }
    }

    /// Shows what is being done now, without a number.
    pub fn say(&self, message: &str) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_style(spinner());
        self.bar.set_message(one_line(message));
        self.ticking.call_once(|| self.bar.enable_steady_tick(TICK));
    }

    /// Shows how many bytes there are so far, of so many in all where that is known.
    pub fn bytes(&self, done: u64, total: Option<u64>) {
        if let Some(total) = total {
            self.bar.set_length(total);
            self.bar.set_style(bar());
        }
        self.bar.set_position(done);
    }

    /// Takes the line away. Anything that is written to the terminal afterwards begins where it was.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// `text` in one line and without what a terminal would act on: it may come from a plugin or a server.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn spinner() -> ProgressStyle {
    style(ProgressStyle::default_spinner(), "{spinner} {wide_msg}")
}

fn bar() -> ProgressStyle {
    style(ProgressStyle::default_bar(), "{spinner} {msg} [{bar:24}] {binary_bytes} of {binary_total_bytes}")
}

fn style(default: ProgressStyle, template: &str) -> ProgressStyle {
    // A template that is not understood would be a mistake above, and is no reason to stop working.
    default.clone().template(template).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_understood() {
        for template in ["{spinner} {wide_msg}", "{spinner} {msg} [{bar:24}] {binary_bytes} of {binary_total_bytes}"] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn messages_cannot_move_the_cursor() {
        assert_eq!(one_line("a\x1b[2Jb\nc\u{9b}d"), "a [2Jb c d");
    }
}
