//! The plugin's side of the fence as Rust types, generated from `wit/`, and the linker that fills a plugin's imports.

use wasmtime::{
    Engine,
    component::{HasSelf, Linker},
};

use crate::{files, guest::Guest};

mod generated {
    #![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated code")]

    wasmtime::component::bindgen!({
        path: "wit",
        world: "everything",
        imports: {
            "gateway:plugin/host.call-tool": async | trappable,
            "gateway:plugin/host.elicit": async | trappable,
            "gateway:plugin/host.sample": async | trappable,
            "gateway:plugin/host.list-roots": async | trappable,
            "wasi:keyvalue": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        with: {
            "wasi:keyvalue/store.bucket": crate::storage::Bucket,
            "wasi:keyvalue/atomics.cas": crate::storage::Cas,
        },
    });
}

pub(crate) use generated::{
    exports::gateway::plugin as exports,
    gateway::plugin::{host, types},
    wasi::keyvalue,
};

/// The package whose interfaces make a component a plugin.
pub(crate) const PACKAGE: &str = "gateway:plugin/";

/// The version of the package that this host speaks.
pub(crate) const PACKAGE_VERSION: &str = "0.1.0";

/// What every plugin may import. All of WASI is linked for everyone, since the run-time libraries of languages import
/// what they never use; what was not granted fails when it is used.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    files::shadow(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    generated::Everything::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    Ok(linker)
}
