//! The plugin's side of the fence as Rust types, generated from `wit/`, and the linker that fills a plugin's imports.

use wasmtime::{
    Engine,
    component::{HasSelf, Linker},
};

use crate::guest::Guest;

mod generated {
    #![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated code")]

    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "plugin",
        imports: {
            "gateway:plugin/host.call-tool": async | trappable,
            default: trappable,
        },
        exports: { default: async },
    });
}

pub(crate) use generated::{
    PluginPre,
    gateway::plugin::{host, types},
};

/// The interface that makes a component a plugin.
pub(crate) const TOOL_INTERFACE: &str = "gateway:plugin/tool";

/// The version of the package that this host speaks.
pub(crate) const PACKAGE_VERSION: &str = "0.1.0";

/// What every plugin may import. All of WASI is linked for everyone, since the run-time libraries of languages import
/// what they never use; what was not granted fails when it is used.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    generated::Plugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    Ok(linker)
}
