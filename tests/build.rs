//! Builds the plugins of `plugins/` and the guests of `tests/guests/`, two workspaces of their own, and writes where their
//! components are. Where that fails, the tests still build: those that need a component fail, and say why.
#![allow(clippy::expect_used, clippy::disallowed_methods, reason = "a build script is told by its environment")]

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "wasm32-wasip2";
const OUTSIDE: [&str; 10] = [
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PROFILE_",
    "CLIPPY_",
    "RUSTC",
    "RUSTFLAGS",
];

fn main() {
    let tests = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs this"));
    let repository = tests.parent().expect("the tests are a folder of the repository");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo runs this"));

    for shared in ["sdk/rust/Cargo.toml", "sdk/rust/src", "sdk/rust/macros/Cargo.toml", "sdk/rust/macros/src", "wit"] {
        watch(&repository.join(shared));
    }
    let mut code = String::new();
    let guests = build(&tests.join("guests"), &mut code);
    build(&repository.join("plugins"), &mut code);
    let arms: Vec<String> = guests.iter().map(|name| format!("$check!({});", identifier(name))).collect();
    let _ = write!(
        code,
        "/// Gives each guest of `tests/guests/` to a macro, which so can ask for a test of it.\n\
         #[macro_export]\nmacro_rules! each_guest {{ ($check:ident) => {{ {} }}; }}\n",
        arms.join(" ")
    );
    fs::write(out.join("guests.rs"), code).expect("OUT_DIR can be written");
}

/// Builds a workspace of plugins, and writes a constant for each into `code`.
fn build(workspace: &Path, code: &mut String) -> Vec<String> {
    for file in ["Cargo.toml", "Cargo.lock"] {
        watch(&workspace.join(file));
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace).into_iter().flatten().flatten() {
        let folder = entry.path();
        if folder.join("Cargo.toml").is_file() {
            for part in ["Cargo.toml", "src", "wit"] {
                watch(&folder.join(part));
            }
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();

    let failure = compile(workspace).err();
    if failure.is_some() {
        // Whoever mends it outside of these files is believed at the next build.
        println!("cargo::rerun-if-changed={}", workspace.join("the build failed").display());
    }
    for name in &names {
        let file = workspace.join(format!("target/{TARGET}/release/{}.wasm", identifier(name)));
        let built = match &failure {
            None if file.is_file() => Ok(file.display().to_string()),
            None => Err(format!("{} is missing although the build went well", file.display())),
            Some(reason) => Err(reason.clone()),
        };
        let _ = writeln!(
            code,
            "/// `{name}`\npub const {}: Guest = Guest {{ name: {name:?}, built: {built:?} }};",
            identifier(name).to_uppercase()
        );
    }
    names
}

fn compile(workspace: &Path) -> Result<(), String> {
    let cargo = env::var_os("CARGO").expect("cargo runs this");
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--locked", "--target", TARGET, "--target-dir"]);
    command.arg(workspace.join("target")).current_dir(workspace);
    for (variable, _) in env::vars_os() {
        // What the cargo outside says about this package, or about checking with clippy, is not for the plugins.
        if OUTSIDE.iter().any(|prefix| variable.to_string_lossy().starts_with(prefix)) {
            command.env_remove(&variable);
        }
    }
    let output = command.output().map_err(|error| format!("cargo could not be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    if stderr.contains("target may not be installed") || stderr.contains("can't find crate for `std`") {
        return Err(format!("the target is missing: run `rustup target add {TARGET}`"));
    }
    let lines: Vec<&str> = stderr.lines().collect();
    let tail = lines[lines.len().saturating_sub(40)..].join("\n");
    Err(format!("run `cargo build --release --target {TARGET}` in {}:\n{tail}", workspace.display()))
}

fn identifier(name: &str) -> String {
    name.replace('-', "_")
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}
