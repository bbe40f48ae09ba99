# Shared by the scripts of this folder, which source it: starts nodes of Silverback and a private PostgreSQL, ends
# them when the script ends, and counts what passed. It deliberately knows nothing about any client.
#
#     client=deck                     the name that the script goes by
#     needs go                        ends the script where a program is missing: left out, or an error in CI
#     start_node sqlite KONG_X=y      a node on a free loopback port, with an empty store: $ADMIN_URL
#     passed WHAT, failed WHAT WHY, left_out WHAT WHY
#     conclude                        prints the figures; fails where anything failed

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
# What is fetched and built stays here from one run to the next; git does not see it.
cache=${CARGO_TARGET_DIR:-$repository/target}/clients
mkdir -p "$cache"
work=$(mktemp -d)
STORES=(sqlite postgres)

node_pid=
postgres_pid=
postgres_port=
count_passed=0
count_failed=0
count_left_out=0

# The official archive of Go is unpacked there, and nothing puts it into PATH.
PATH=$PATH:/usr/local/go/bin

needs() {
    command -v "$1" >/dev/null && return
    if [ -n "${CI:-}" ]; then
        echo "$client: '$1' is missing. It has to be installed where CI runs: what is left out there looks like passed." >&2
        exit 1
    fi
    echo "$client: left out altogether, because '$1' is not installed."
    exit 0
}

passed() {
    count_passed=$((count_passed + 1))
}

failed() {
    count_failed=$((count_failed + 1))
    printf '%s: FAILED %s\n    %s\n' "$client" "$1" "${2//$'\n'/$'\n'    }"
}

left_out() {
    count_left_out=$((count_left_out + 1))
    printf '%s: left out: %s: %s\n' "$client" "$1" "$2"
}

conclude() {
    printf '%s: %d passed, %d failed, %d left out\n' "$client" "$count_passed" "$count_failed" "$count_left_out"
    [ "$count_failed" -eq 0 ]
}

# The program that cargo built last, or another one that the caller names.
silverback() {
    if [ -z "${SILVERBACK:-}" ]; then
        (cd "$repository" && cargo build --quiet)
        SILVERBACK=${CARGO_TARGET_DIR:-$repository/target}/debug/silverback
    fi
}

start_node() {
    local store=$1 settings=()
    shift
    stop_node
    silverback
    local prefix
    prefix=$(mktemp -d "$work/node.XXXXXX")
    if [ "$store" = postgres ]; then
        start_postgres "$prefix"
        settings=(KONG_PG_HOST=127.0.0.1 "KONG_PG_PORT=$postgres_port" KONG_PG_USER=postgres KONG_PG_DATABASE=postgres)
    fi
    : >"$prefix/log"
    # Nothing of the caller's environment decides what a node does. It chooses a free port and says which.
    env -i PATH="$PATH" KONG_PREFIX="$prefix" KONG_DATABASE="$store" KONG_ADMIN_LISTEN=127.0.0.1:0 \
        "${settings[@]}" "$@" "$SILVERBACK" start -c /dev/null >>"$prefix/log" 2>&1 &
    node_pid=$!
    local address=
    for _ in $(seq 300); do
        address=$(sed -n 's/.*the Admin API is served address=//p' "$prefix/log")
        if [ -n "$address" ]; then
            ADMIN_URL=http://$address
            export ADMIN_URL
            return
        fi
        kill -0 "$node_pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "$client: the node does not start:" >&2
    cat "$prefix/log" >&2
    exit 1
}

# Ends the node and, after it, its PostgreSQL: that by SIGQUIT, at once, since nothing of it is kept.
stop_node() {
    end TERM "$node_pid"
    end QUIT "$postgres_pid"
    node_pid= postgres_pid=
}

end() {
    if [ -n "$2" ]; then
        kill "-$1" "$2" 2>/dev/null || true
        wait "$2" 2>/dev/null || true
    fi
}

# The folder of PostgreSQL's programs: the first in PATH, else the newest version where Debian puts them.
postgres_programs() {
    local folder
    for folder in $(command -v initdb | xargs -r dirname) $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV); do
        if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then
            echo "$folder"
            return
        fi
    done
}

# Whether a store can be had here; PostgreSQL is left out where it is not installed.
has_store() {
    [ "$1" != postgres ] || [ -n "$(postgres_programs)" ] && return
    if [ -n "${CI:-}" ]; then
        failed "$1" "PostgreSQL (initdb, postgres) is neither in PATH nor in /usr/lib/postgresql/*/bin"
    else
        left_out "everything on $1" "PostgreSQL is not installed"
    fi
    return 1
}

# A server for one node, with its files in a folder, so that the node's store is empty.
start_postgres() {
    local programs folder=$1/postgres as=()
    programs=$(postgres_programs)
    mkdir "$folder"
    # PostgreSQL refuses to run as root, and then runs as an account without privileges.
    if [ "$(id -u)" -eq 0 ]; then
        local account=nobody
        id postgres >/dev/null 2>&1 && account=postgres
        chmod 711 "$work" "$1"
        chown "$account" "$folder"
        as=(setpriv --reuid "$account" --regid "$(id -g "$account")" --clear-groups --)
    fi
    (cd / && "${as[@]}" "$programs/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C -N) >/dev/null
    # Another process may take the free port before it is listened on: hence more than one attempt.
    for _ in 1 2 3; do
        postgres_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        (cd / && exec "${as[@]}" "$programs/postgres" -D "$folder/data" -p "$postgres_port" \
            -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c synchronous_commit=off \
            -c full_page_writes=off) >"$1/postgres.log" 2>&1 &
        postgres_pid=$!
        while kill -0 "$postgres_pid" 2>/dev/null; do
            # The server writes its state into the eighth line of its lock file.
            case $(sed -n 8p "$folder/data/postmaster.pid" 2>/dev/null) in
                ready*) return ;;
            esac
            sleep 0.1
        done
    done
    echo "$client: PostgreSQL does not start:" >&2
    cat "$1/postgres.log" >&2
    exit 1
}

clean_up() {
    stop_node
    rm -rf -- "$work"
}
trap clean_up EXIT
