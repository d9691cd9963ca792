//! `gateway plugin new`: a plugin that is built and passes its test at once.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use gateway_core::name::SourceName;

use super::usage;
use crate::{
    cli::output,
    packages::{
        build::Language,
        template::{self, TemplateError},
    },
};

/// Begin a plugin
#[derive(Debug, clap::Args)]
pub struct NewCommand {
    /// The plugin's name
    name: String,
    /// The language it is written in
    #[arg(long, value_name = "LANGUAGE", default_value = "rust")]
    lang: Lang,
    /// The folder it is written to, instead of one with its name
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// A language on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Lang {
    /// Built with cargo
    Rust,
    /// Built with componentize-py, which is installed where it is missing
    Python,
    /// Built with node and npm
    #[value(alias = "javascript")]
    Js,
}

impl NewCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// The name is none, or the folder cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let name = SourceName::new(&self.name)
            .map_err(|error| usage(&anyhow::anyhow!("{:?}: {error}", self.name), better(&self.name)))?;
        let folder = self.dir.unwrap_or_else(|| PathBuf::from(name.as_str()));
        template::write(self.lang.into(), &name, &folder).map_err(not_written)?;
        output::print(&text(&name, &folder))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Rust => Self::Rust,
            Lang::Python => Self::Python,
            Lang::Js => Self::JavaScript,
        }
    }
}

/// A name that could have been meant.
fn better(name: &str) -> Option<String> {
    let legal = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' };
    let name: String = name.chars().map(legal).collect::<String>().to_lowercase();
    let name = SourceName::new(name.trim_matches(['-', '_'])).ok()?;
    Some(format!("gateway plugin new {name}"))
}

fn not_written(error: TemplateError) -> anyhow::Error {
    match error {
        error @ TemplateError::NotEmpty { .. } => {
            usage(&error.into(), Some("name another folder with --dir".to_owned()))
        }
        error => error.into(),
    }
}

fn text(name: &SourceName, folder: &Path) -> String {
    let shown = folder.display();
    let mut text = String::new();
    let _ = writeln!(text, "{shown}: the plugin {name}");
    let _ = writeln!(text, "  gateway plugin build {shown}");
    let _ = writeln!(text, "  gateway plugin test {shown}");
    let _ = writeln!(text, "  gateway plugin add {added}", added = added(folder));
    text
}

/// The folder as `gateway plugin add` takes it: a name alone could be that of something else.
fn added(folder: &Path) -> String {
    match folder.is_absolute() || folder.starts_with(".") || folder.starts_with("..") {
        true => folder.display().to_string(),
        false => format!("./{}", folder.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_name_is_one() {
        assert_eq!(better("My Notes!").as_deref(), Some("gateway plugin new my-notes"));
        assert_eq!(better("_x").as_deref(), Some("gateway plugin new x"));
        assert_eq!(better("ü"), None);
    }

    #[test]
    fn the_folder_is_no_name() {
        assert_eq!(added(Path::new("notes")), "./notes");
        assert_eq!(added(Path::new("../notes")), "../notes");
        assert_eq!(added(Path::new("/notes")), "/notes");
    }
}
