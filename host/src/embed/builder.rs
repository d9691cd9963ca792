//! What a gateway inside another program is put together from.

use std::{
    collections::HashSet,
    path::{Path, PathBuf, absolute},
    sync::Arc,
};

use gateway_core::{
    name::{Naming, SourceName},
    source::Source,
};
use tracing::warn;

use super::{
    Gateway,
    error::{BuildError, ToolError},
    tool::Tool,
};
use crate::{
    app::{App, BuildError as AppError, Observer},
    config::{Config, LoadError, Loaded, problem::Report},
    control::Setting,
    folders::Folders,
    sources::functions::Functions,
};

/// Where a configuration without a file counts as standing: relative paths in it start at the working folder.
const NO_FILE: &str = "<embedded>";

/// The source of a program's own tools where it is not named.
const PROGRAM: &str = "program";

/// Puts a [`Gateway`] together. Made by [`Gateway::builder`].
pub struct Builder {
    /// The file, where there is one, and what stands in it.
    config: (Option<PathBuf>, Loaded),
    tools: Vec<Tool>,
    tools_as: Option<String>,
    further: Vec<Arc<dyn Source>>,
    role: Option<String>,
    folders: Option<Folders>,
    observer: Option<Observer>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            config: (None, given(Config::default())),
            tools: Vec::new(),
            tools_as: None,
            further: Vec::new(),
            role: None,
            folders: None,
            observer: None,
        }
    }

    /// Reads the configuration from a file, with the variables of this process's environment. What the gateway is
    /// served with follows it when it changes.
    ///
    /// ```
    /// # let temp = tempfile::tempdir()?;
    /// let file = temp.path().join("gateway.yaml");
    /// std::fs::write(&file, "meta_tools: ture\n")?;
    /// let error = gateway_host::Gateway::builder().config_file(&file).unwrap_err();
    /// assert!(error.to_string().contains("gateway.yaml:1:13"), "{error}");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where there is none or it has mistakes: the text shows all of them, with their places.
    pub fn config_file(mut self, file: impl AsRef<Path>) -> Result<Self, LoadError> {
        let file = file.as_ref();
        let loaded = Config::load(file)?;
        tell(&loaded.report);
        self.config = (Some(file.to_owned()), loaded);
        Ok(self)
    }

    /// Takes `text` for what stands in `gateway.yaml`. Relative paths start at the working folder, and a `gateway.lock`
    /// there counts.
    ///
    /// # Errors
    /// Where it has mistakes: the text shows all of them, with their places.
    pub fn config_text(mut self, text: &str) -> Result<Self, LoadError> {
        let loaded = Config::read(text, &no_file())?;
        tell(&loaded.report);
        self.config = (None, loaded);
        Ok(self)
    }

    /// Takes this configuration, made by hand.
    ///
    /// ```
    /// use gateway_host::{Gateway, config::Config};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let temp = tempfile::tempdir()?;
    /// let config = Config { name: "my-program".to_owned(), ..Config::default() };
    /// # let builder = Gateway::builder().folders(temp.path(), temp.path());
    /// let gateway = builder.config(config).build().await?;
    /// assert_eq!(gateway.control().desired().config.name, "my-program");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = (None, given(config));
        self
    }

    /// One more tool.
    #[must_use]
    pub fn register_tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Has the registered tools stand under `name`, like those of a server: they are called `name__tool`, and roles see
    /// them by globs such as `name_*`. Otherwise they keep their own names, and roles see them by `program_*`.
    ///
    /// ```
    /// # use gateway_host::{Gateway, Tool};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let temp = tempfile::tempdir()?;
    /// let tool = Tool::new("invoices", async |_: ()| Ok::<_, String>("none are open"));
    /// # let builder = Gateway::builder().folders(temp.path(), temp.path());
    /// let gateway = builder.register_tool(tool).tools_as("billing").build().await?;
    /// let outcome = gateway.call(gateway.caller(None)?, "billing__invoices", ()).await?;
    /// assert_eq!(outcome.text(), "none are open");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn tools_as(mut self, name: impl Into<String>) -> Self {
        self.tools_as = Some(name.into());
        self
    }

    /// One more source of tools, of a kind of one's own.
    #[must_use]
    pub fn source(mut self, source: Arc<dyn Source>) -> Self {
        self.further.push(source);
        self
    }

    /// The role of whoever brings none: the client on standard input and output, and over HTTP everybody where there is
    /// no `auth`. Default: `default_role`.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    /// Keeps what is learnt below `cache` and what may not be lost below `state`. Default: the folders of this user, as
    /// the program `gateway` has them.
    #[must_use]
    pub fn folders(mut self, cache: impl AsRef<Path>, state: impl AsRef<Path>) -> Self {
        self.folders = Some(Folders::below(cache.as_ref(), state.as_ref()));
        self
    }

    /// Tells `observer` in a few words what takes long at the moment. It must not wait.
    #[must_use]
    pub fn observer(mut self, observer: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Puts it together. Starts no server and loads no plugin.
    ///
    /// # Errors
    /// See [`BuildError`].
    // What it spawns needs the runtime that a future is run by.
    pub async fn build(self) -> Result<Gateway, BuildError> {
        let Self { config: (file, loaded), tools, tools_as, mut further, role, folders, observer } = self;
        if !tools.is_empty() {
            further.push(Arc::new(functions(tools, tools_as.as_deref(), &loaded.config)?));
        }
        check_names(&loaded.config, &further)?;
        let folders = folders.map_or_else(Folders::discover, Ok)?;
        let in_memory = file.is_none();
        let file = file.unwrap_or_else(no_file);
        let put_together_for = role.clone().or_else(|| any_role(&loaded.config));
        let observer = observer.as_ref();
        let setting = Setting {
            file: &file,
            in_memory,
            optional: false,
            loaded,
            folders: &folders,
            observer,
            one_client: false,
            pins: true,
            adjust: None,
            further,
        };
        match App::build(setting, put_together_for.as_deref()) {
            Ok(app) => Ok(Gateway::new(app, role)),
            Err(AppError::Role(error)) => Err(error.into()),
        }
    }
}

/// The source of the program's own tools.
fn functions(tools: Vec<Tool>, named: Option<&str>, config: &Config) -> Result<Functions, BuildError> {
    let text = named.unwrap_or(PROGRAM);
    let name = SourceName::new(text).map_err(|source| BuildError::Name { name: text.to_owned(), source })?;
    let separator = config.separator.as_str().into();
    let naming = Naming { prefix: named.is_some().then(|| name.as_str().into()), separator };
    let functions = tools.into_iter().map(Tool::function).collect::<Result<Vec<_>, _>>()?;
    let mut known = HashSet::new();
    match functions.iter().find(|function| !known.insert(&*function.item.name)) {
        Some(twice) => Err(ToolError::Twice { tool: twice.item.name.to_string() }.into()),
        None => Ok(Functions::new(name, naming, functions)),
    }
}

/// A name stands for one thing. That of a file was checked when it was read, a configuration made by hand was not.
fn check_names(config: &Config, further: &[Arc<dyn Source>]) -> Result<(), BuildError> {
    let names = config.servers.names().chain(config.plugins.names()).chain(config.pipelines.names());
    let names = names.map(SourceName::as_str).chain(further.iter().map(|source| source.name().as_str()));
    let mut known = HashSet::from([SourceName::gateway().as_str().to_owned()]);
    for name in names {
        if !known.insert(name.to_owned()) {
            return Err(BuildError::Taken { name: name.to_owned() });
        }
    }
    Ok(())
}

/// The gateway needs some role to be put together for. Who calls in process or brings a token has one of his own, and
/// nobody else gets this one: see [`Gateway::serve_stdio`] and its like.
fn any_role(config: &Config) -> Option<String> {
    match &config.default_role {
        Some(_) => None,
        None => config.roles.names().next().cloned(),
    }
}

fn given(config: Config) -> Loaded {
    Loaded { config, broken: Vec::new(), report: Report { file: no_file(), problems: Vec::new() }, text: "".into() }
}

fn no_file() -> PathBuf {
    absolute(NO_FILE).unwrap_or_else(|_| NO_FILE.into())
}

/// Logs what the configuration warns of.
fn tell(report: &Report) {
    if !report.problems.is_empty() {
        warn!("{report}");
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (file, _) = &self.config;
        f.debug_struct("Builder").field("file", file).field("tools", &self.tools).finish_non_exhaustive()
    }
}
