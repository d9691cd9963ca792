//! What plugins in JavaScript are written and built with.

use super::{Carried, carried};

/// The package `gateway-sdk`.
pub const SDK: &[Carried] = carried!("carried/js":
    "README.md",
    "package.json",
    "src/builtins.js",
    "src/component.js",
    "src/content.js",
    "src/declarations.js",
    "src/encoding.js",
    "src/environment.d.ts",
    "src/errors.js",
    "src/globals.js",
    "src/host.js",
    "src/http.d.ts",
    "src/http.js",
    "src/index.d.ts",
    "src/index.js",
    "src/inside/bucket.d.ts",
    "src/inside/exchange.d.ts",
    "src/inside/host.js",
    "src/inside/http.js",
    "src/inside/store.js",
    "src/inside/wit.d.ts",
    "src/outside/host.js",
    "src/outside/http.js",
    "src/outside/store.js",
    "src/promise.js",
    "src/schema.js",
    "src/store.js",
    "src/template.js",
);

/// What makes components of plugins, with the WIT that the SDK uses itself.
pub const BUILD: &[Carried] = carried!("carried/js":
    "build/build.js",
    "build/bundle.js",
    "build/componentize.js",
    "build/describe.js",
    "build/mistake.js",
    "build/probe.js",
    "build/types.js",
    "build/world.js",
    "wit/clocks.wit",
    "wit/http-io.wit",
    "wit/http.wit",
    "wit/io.wit",
    "wit/random.wit",
);

/// What names the packages that [`BUILD`] runs on, with the digest of each.
pub const TOOLS: &[Carried] = carried!("carried/js/build":
    ".npmrc",
    "package-lock.json",
    "package.json",
);

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// The files of `folder` that are carried.
    fn carried_of(files: &'static [Carried], folder: &str) -> Vec<Carried> {
        files.iter().filter_map(|(path, bytes)| Some((path.strip_prefix(folder)?, *bytes))).collect()
    }

    #[test]
    fn all_of_the_sdk_is_carried() {
        super::super::tests::assert_complete(&carried_of(SDK, "src/"), "carried/js/src", &[".js", ".ts"]);
        super::super::tests::assert_complete(&carried_of(BUILD, "wit/"), "carried/js/wit", &[".wit"]);
        // Beside these lies what npm installs.
        let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("carried/js/build");
        let names = fs::read_dir(build).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut found: Vec<String> = names.filter(|name| name.ends_with(".js")).collect();
        found.sort();
        let carried: Vec<&str> = carried_of(BUILD, "build/").iter().map(|(path, _)| *path).collect();
        assert_eq!(carried, found);
    }
}
