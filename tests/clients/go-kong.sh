#!/usr/bin/env bash
# Runs go-kong's own tests against nodes of Silverback: both stores with each flavour of the router that the tests
# know, and a node without a database. The module is fetched by the version that go-kong/go.mod pins.
# It deliberately changes no test; what cannot pass stands in go-kong/left_out.txt.
client=go-kong
source "$(dirname "${BASH_SOURCE[0]}")/node.sh"
needs go
needs python3

cd "$here/go-kong"

# Runs the tests that the arguments choose; their events go to a file that is named after the run.
run() {
    local name=$1
    shift
    # The tests share one node and count its rows, so one package runs at a time. A failure is told by the events.
    go test -json -vet=off -count=1 -p 1 "$@" github.com/kong/go-kong/... >"$work/$name.json" 2>"$work/$name.err" || true
    if [ ! -s "$work/$name.json" ]; then
        failed "$name" "$(cat "$work/$name.err")"
    fi
}

# Asserts the address that a client takes when it is told none.
run "no node" -run '^TestBaseRootURL$'

against() {
    local name=$1 store=$2
    shift 2
    start_node "$store" "$@"
    KONG_ADMIN_URL=$ADMIN_URL run "$name" -skip '^TestBaseRootURL$'
}
for store in "${STORES[@]}"; do
    if has_store "$store"; then
        against "$store" "$store"
        against "$store, expressions" "$store" KONG_ROUTER_FLAVOR=expressions
    fi
done
against "no database" off

python3 outcome.py left_out.txt "$work"/*.json || failed "the tests above" "see what they say"
conclude >/dev/null
