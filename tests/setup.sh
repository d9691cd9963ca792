# What `tests/run` and `tests/demo` need, and how it is installed. Read by them; does nothing by itself.

say() {
    printf '== %s\n' "$*"
}

fail() {
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 2
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# from_debian REASON PACKAGE…: installs packages, where that is for us to do.
from_debian() {
    reason=$1
    shift
    [ $# -gt 0 ] || return 0
    if have apt-get && [ "$(id -u)" = 0 ]; then
        say "installing $*, $reason (apt-get install)"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
    else
        fail "not installed: $*, $reason" "on Debian: apt install $*"
    fi
}

need_rust() {
    have cargo || fail "cargo is not installed" "install Rust with rustup: https://rustup.rs"
    have cc || have gcc || have clang || fail "there is no C compiler" "install gcc or clang; on Debian: apt install gcc"
    have make || from_debian "which the gateway's memory allocator is built with" make
}

# Plugins are compiled for this target.
need_wasm_target() {
    have rustup || fail "rustup is not installed" "install Rust with rustup: https://rustup.rs"
    if ! rustup target list --installed | grep -qx wasm32-wasip2; then
        say "installing the target wasm32-wasip2, which plugins are compiled for (rustup target add)"
        rustup target add wasm32-wasip2
    fi
}

need_node() {
    have node && have npm || fail "Node is not installed" "the tests run real MCP clients and servers: install Node 20 or newer"
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' ||
        fail "Node $(node --version) is too old" "install Node 20 or newer"
}

need_python() {
    have python3 || fail "Python is not installed" "the tests run real MCP clients and servers: install Python 3.10 or newer"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        fail "$(python3 --version) is too old" "install Python 3.10 or newer"
    python3 -c 'import venv, ensurepip' 2>/dev/null ||
        fail "Python cannot make virtual environments" "on Debian: apt install python3-venv"
}

# A registry of images and the programs that sign, for the tests of plugins from elsewhere. They come from Debian.
need_registry() {
    missing=
    have docker-registry || missing="$missing docker-registry"
    have htpasswd || missing="$missing apache2-utils"
    have minisign || missing="$missing minisign"
    have openssl || missing="$missing openssl"
    # shellcheck disable=SC2086
    from_debian "which the tests of registries and signatures run" $missing
}

# The browser that the dashboard is tested in. It comes from Debian, and keeps itself up to date there.
need_chromium() {
    if have chromium || [ -n "${CHROMIUM:-}" ]; then return 0; fi
    from_debian "in which the dashboard is tested (elsewhere: set CHROMIUM to a Chromium or Chrome)" \
        chromium fonts-dejavu-core
}

# What reads units, manual pages and the like, for the tests of `host/packaging`. It comes from Debian and PyPI.
need_packaging() {
    missing=
    have systemd-analyze || missing="$missing systemd"
    have mandoc || missing="$missing mandoc"
    have man || missing="$missing man-db"
    # shellcheck disable=SC2086
    from_debian "which the tests of units and manual pages run" $missing
    packaging=tests/packaging
    if ! cmp -s $packaging/requirements.txt $packaging/.venv/.installed; then
        say "installing what the files of host/packaging are checked with into $packaging/.venv"
        python3 -m venv $packaging/.venv
        $packaging/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $packaging/requirements.txt
        cp $packaging/requirements.txt $packaging/.venv/.installed
    fi
}

# What npm takes from a folder's lock; again only when that has changed.
install_packages() {
    if ! cmp -s "$1/package-lock.json" "$1/node_modules/.installed"; then
        say "installing $2 of $1/package.json into $1/node_modules"
        (cd "$1" && npm ci --no-progress)
        cp "$1/package-lock.json" "$1/node_modules/.installed"
    fi
}

# The official conformance suite, in two versions. It runs on the Node that comes with the clients.
install_conformance() {
    install_packages tests/conformance "the conformance suite"
}

# What clicks in the browser, and what knows when a page stands in somebody's way.
install_dashboard() {
    install_packages tests/dashboard "what the dashboard is tested with"
}

# What the JavaScript SDK builds plugins with, and is checked with.
install_js() {
    install_packages sdk/js/build "what plugins in JavaScript are built with"
}

# The official clients and servers, at the versions that are written down; again only when those have changed.
install_clients() {
    clients=tests/clients
    install_packages $clients "the MCP clients and servers"
    if ! cmp -s $clients/requirements.txt $clients/.venv/.installed; then
        say "installing the MCP clients and servers of tests/clients/requirements.txt into tests/clients/.venv"
        python3 -m venv $clients/.venv
        $clients/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $clients/requirements.txt
        cp $clients/requirements.txt $clients/.venv/.installed
    fi
}

# The servers of the example of pipelines; in a folder of their own, since they want other versions of the SDKs.
install_servers() {
    servers=tests/servers
    install_packages $servers "the servers of the example of pipelines"
    if ! cmp -s $servers/requirements.txt $servers/.venv/.installed; then
        say "installing the MCP servers of tests/servers/requirements.txt into tests/servers/.venv"
        python3 -m venv $servers/.venv
        $servers/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $servers/requirements.txt
        cp $servers/requirements.txt $servers/.venv/.installed
    fi
}

# What the Python SDK is checked with; again only when its version has changed.
install_python_sdk() {
    python_sdk=sdk/python
    if ! cmp -s $python_sdk/requirements.txt $python_sdk/.venv/.installed; then
        say "installing what the Python SDK is checked with into $python_sdk/.venv"
        python3 -m venv $python_sdk/.venv
        $python_sdk/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $python_sdk/requirements.txt
        cp $python_sdk/requirements.txt $python_sdk/.venv/.installed
    fi
}
