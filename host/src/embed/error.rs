//! What can go wrong where the gateway is a part of another program.

use std::net::SocketAddr;

use gateway_core::{
    name::{MAX_TOOL_NAME, NameError},
    role::RoleError,
};

use crate::folders::NoHome;

/// Why a function cannot be a tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// Its name is none that every client takes.
    #[error("tool {tool:?}: a name has 1 to {MAX_TOOL_NAME} letters, digits, `-` and `_`")]
    Name {
        /// The name.
        tool: String,
    },
    /// What it takes is no JSON object.
    #[error("tool {tool:?}: its arguments are no object; hint: let it take one struct, or `()`")]
    Arguments {
        /// The tool.
        tool: String,
    },
    /// Another one has its name.
    #[error("tool {tool:?} is registered twice")]
    Twice {
        /// The name.
        tool: String,
    },
}

/// Why no gateway could be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A function cannot be a tool.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The tools cannot be named like that.
    #[error("the tools of the program cannot stand under the name {name:?}: {source}")]
    Name {
        /// The name.
        name: String,
        /// Why.
        source: NameError,
    },
    /// Two of the configuration, or one of it and the program's own tools, have the same name.
    #[error("the name {name:?} stands for more than one server, plugin, pipeline or the program's own tools")]
    Taken {
        /// The name.
        name: String,
    },
    /// The role that was named is not configured.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// It is not known where things are kept.
    #[error("{0}; hint: name the folders with `folders`")]
    Folders(#[from] NoHome),
}

/// Why the gateway cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Everybody could use it.
    #[error(
        "{address} is not loopback: without `auth`, whoever can reach it could use every tool; hint: add `auth` to the configuration, or listen on 127.0.0.1"
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// There is no role to go by, or a token has none.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// What the operating system says.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
