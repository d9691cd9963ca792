//! What plugins in Rust are written with.
//!
//! The crate is written with the folders around it as they are in the gateway's own repository: it looks for the WIT at
//! `../../wit`, and for its dependencies' versions in the workspace that it belongs to.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use super::{Carried, WIT, carried};

/// The folder of a plugin that it is written to, and the path of the crate in there.
const FOLDER: &str = ".gateway";
/// What a plugin's `Cargo.toml` has as `path` of the crate.
pub const CRATE: &str = ".gateway/sdk/rust";

/// What stands around the sources.
const AROUND: &[Carried] = &[
    ("Cargo.toml", include_bytes!("rust/Cargo.toml.kept")),
    ("sdk/rust/Cargo.toml", include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/carried/rust/Cargo.toml.kept"))),
    ("sdk/rust/README.md", include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/carried/rust/README.md"))),
    (
        "sdk/rust/macros/Cargo.toml",
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/carried/rust/macros/Cargo.toml.kept")),
    ),
];

/// The crate `gateway-sdk`.
const SDK: &[Carried] = carried!("carried/rust/src":
    "arguments.rs",
    "client.rs",
    "completions.rs",
    "component.rs",
    "component/bindings.rs",
    "component/completions.rs",
    "component/convert.rs",
    "component/filter.rs",
    "component/host.rs",
    "component/prompts.rs",
    "component/resources.rs",
    "component/store.rs",
    "component/tool.rs",
    "content.rs",
    "filter.rs",
    "host.rs",
    "lib.rs",
    "output.rs",
    "plugin.rs",
    "prompts.rs",
    "resources.rs",
    "result.rs",
    "schema.rs",
    "store.rs",
    "tools.rs",
);

/// Its macros.
const MACROS: &[Carried] = carried!("carried/rust/macros/src":
    "attributes.rs",
    "completion.rs",
    "docs.rs",
    "export.rs",
    "filter.rs",
    "item.rs",
    "kind.rs",
    "lib.rs",
    "parameter.rs",
    "prompt.rs",
    "resource.rs",
    "signature.rs",
    "template.rs",
    "text.rs",
    "tool.rs",
);

/// Puts the crate into the folder of a plugin. What is there already in this version is not touched, so that nothing is
/// compiled again.
///
/// # Errors
/// What the operating system says, with the file's name.
pub fn write(plugin: &Path) -> io::Result<()> {
    let folder = plugin.join(FOLDER);
    super::write(WIT, &folder.join("wit"))?;
    super::write(SDK, &folder.join("sdk/rust/src"))?;
    super::write(MACROS, &folder.join("sdk/rust/macros/src"))?;
    for (path, bytes) in AROUND {
        write_file(&folder.join(path), bytes)?;
    }
    Ok(())
}

/// Puts one file there, at once.
fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    let mut written = tempfile::NamedTempFile::new_in(parent)?;
    written.write_all(bytes)?;
    written.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_crates_are_carried() {
        super::super::tests::assert_complete(SDK, "carried/rust/src", &[".rs"]);
        super::super::tests::assert_complete(MACROS, "carried/rust/macros/src", &[".rs"]);
    }

    /// The workspace that is written says of each dependency what the gateway's own says.
    #[test]
    fn the_crates_are_built_with_the_same_dependencies() {
        let root = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")).unwrap();
        let text = |wanted: &str| {
            let (_, bytes) = AROUND.iter().find(|(path, _)| *path == wanted).unwrap();
            str::from_utf8(bytes).unwrap()
        };
        let ours = text("Cargo.toml");
        let line = |manifest: &str, name: &str| -> String {
            let mut lines = manifest.lines().filter(|line| line.split(' ').next() == Some(name));
            lines.next_back().unwrap_or_else(|| panic!("`{name}` is missing")).to_owned()
        };
        for name in ["version", "edition", "rust-version", "license", "publish"] {
            assert_eq!(line(ours, name), line(&root, name), "embedded/rust/Cargo.toml.kept");
        }
        for manifest in ["sdk/rust/Cargo.toml", "sdk/rust/macros/Cargo.toml"] {
            let section = text(manifest).split_once("dependencies]").unwrap().1;
            let names = section.lines().filter(|line| line.contains("workspace")).filter_map(|line| {
                line.split([' ', '.']).next().filter(|name| !name.is_empty() && !name.starts_with('#'))
            });
            let names: Vec<&str> = names.collect();
            assert!(names.len() > 2, "{manifest}: {names:?}");
            for name in names {
                assert_eq!(line(ours, name), line(&root, name), "embedded/rust/Cargo.toml.kept");
            }
        }
    }

    #[test]
    fn what_is_there_already_stays() {
        let plugin = tempfile::tempdir().unwrap();
        write(plugin.path()).unwrap();
        let file = |path: &str| plugin.path().join(CRATE).join(path);
        let modified = |path: &str| fs::metadata(file(path)).unwrap().modified().unwrap();
        let before = (modified("src/lib.rs"), modified("Cargo.toml"));
        write(plugin.path()).unwrap();
        assert_eq!((modified("src/lib.rs"), modified("Cargo.toml")), before);
        assert!(file("../../wit/world.wit").is_file());
        fs::write(file("Cargo.toml"), "changed").unwrap();
        write(plugin.path()).unwrap();
        assert_ne!(fs::read_to_string(file("Cargo.toml")).unwrap(), "changed");
    }
}
