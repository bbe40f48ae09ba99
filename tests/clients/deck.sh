#!/usr/bin/env bash
# Runs decK against nodes of Silverback, on both stores: ping, validate, sync, diff, dump and reset of a file with
# every kind of entity and every bundled plugin (deck/every_kind.yaml), a changed file, and 10,000 entities with the
# time they take. decK is built from the version that deck/go.mod pins. It deliberately asserts nothing about what
# decK prints beyond the figures that it ends with.
client=deck
source "$(dirname "${BASH_SOURCE[0]}")/node.sh"
needs go
needs python3

# Minutes of work the first time, since decK links a linter and more; so it is not looked at again until the version
# changes.
if ! cmp -s "$here/deck/go.sum" "$cache/deck.sum"; then
    (cd "$here/deck" && go build -buildvcs=false -o "$cache/deck" github.com/kong/deck)
    cp "$here/deck/go.sum" "$cache/deck.sum"
fi
every=$here/deck/every_kind.yaml

# decK reads no settings of whoever runs this, and reports to nobody.
deck() {
    HOME=$work DECK_ANALYTICS=off "$cache/deck" "$@" --kong-addr "$ADMIN_URL"
}

gateway() {
    deck gateway "$@"
}

# check NAME PATTERN COMMAND...: the command succeeds and what it prints has a match of the pattern.
check() {
    local name="$store: $1" pattern=$2 output
    shift 2
    if output=$("$@" 2>&1) && grep -Eqz -- "$pattern" <<<"$output"; then
        passed
    else
        failed "$name" "$(tail -n 12 <<<"$output")"
    fi
}

# refused NAME PATTERN COMMAND...: the command fails and says why.
refused() {
    local name="$store: $1" pattern=$2 output
    shift 2
    if ! output=$("$@" 2>&1) && grep -Eqz -- "$pattern" <<<"$output"; then
        passed
    else
        failed "$name" "$(tail -n 12 <<<"$output")"
    fi
}

# What `sync` and `diff` end with.
figures() {
    echo "Created: $1\s+Updated: $2\s+Deleted: $3(\s|$)"
}
none=$(figures 0 0 0)

every_kind_is_there() {
    # Nothing enabled is missing in the file, so that "every plugin" stays true when one is added.
    local plugin
    for plugin in $(curl -sf "$ADMIN_URL/plugins/enabled" | python3 -c 'import json, sys; print(*json.load(sys.stdin)["enabled_plugins"])'); do
        grep -q "name: $plugin$" "$every" || { echo "deck/every_kind.yaml has no plugin '$plugin'"; return 1; }
    done
}

every_kind() {
    check "ping" "Successfully connected to Kong!.*3\.10" gateway ping
    check "every bundled plugin is in the file" "" every_kind_is_there
    check "validate" "" gateway validate "$every"
    check "validate --online, by its former name" "" deck validate --online -s "$every"
    sed 's/port: 443/port: 70000/' "$every" >"$work/wrong.yaml"
    refused "validate a port that is none" "value should be between 0 and 65535" gateway validate "$work/wrong.yaml"
    check "diff before the sync" "Created: [1-9][0-9]+\s+Updated: 0\s+Deleted: 0" gateway diff "$every"
    check "sync" "Created: [1-9][0-9]+\s+Updated: 0\s+Deleted: 0" gateway sync "$every"
    check "diff after the sync" "$none" gateway diff --non-zero-exit-code "$every"
    check "sync again" "$none" gateway sync "$every"

    # One entity is changed, one renamed (one comes and one goes), one taken away.
    sed -e 's/retries: 3/retries: 4/' -e 's/username: ben/username: bob/' -e '/^- name: zipkin/,$d' "$every" >"$work/changed.yaml"
    check "diff of a changed file" "$(figures 1 1 2)" gateway diff "$work/changed.yaml"
    check "sync of a changed file" "$(figures 1 1 2)" gateway sync "$work/changed.yaml"
    check "diff after the changed sync" "$none" gateway diff --non-zero-exit-code "$work/changed.yaml"

    check "dump" "" gateway dump -o "$work/dump.yaml" --yes
    check "diff of the dump" "$none" gateway diff --non-zero-exit-code "$work/dump.yaml"
    check "reset" "Created: 0\s+Updated: 0\s+Deleted: [1-9]" gateway reset --force
    check "dump of nothing" "^_format_version: \"3.0\"\s*$" gateway dump -o -
    check "sync of the dump" "Created: [1-9][0-9]+\s+Updated: 0\s+Deleted: 0" gateway sync "$work/dump.yaml"
    check "diff of the changed file against the dump" "$none" gateway diff --non-zero-exit-code "$work/changed.yaml"
    check "reset, the second time" "Deleted: [1-9]" gateway reset --force
}

# A sync of these is never the last: what is asserted is that it succeeds, and that nothing else is written again.
never_equal() {
    local file=$here/deck/never_equal.yaml
    check "sync of what is never equal" "$(figures 5 0 0)" gateway sync "$file"
    check "diff of what is never equal" "$(figures 0 4 0)" gateway diff "$file"
    check "sync again of what is never equal" "$(figures 0 4 0)" gateway sync "$file"
    check "reset of what is never equal" "Deleted: 5" gateway reset --force
}

timed() {
    local what=$1 start=$EPOCHREALTIME
    shift
    check "$what" "$@"
    echo "deck: $store: $what took $(python3 -c "print(f'{$EPOCHREALTIME - $start:.1f}')") s"
}

many() {
    local file=$work/many.yaml changed=$work/many-changed.yaml
    python3 - >"$file" <<'PYTHON'
print('_format_version: "3.0"\nservices:')
for n in range(2500):
    print(f"- name: service-{n}\n  host: host-{n}.test\n  tags: [many]\n  routes:")
    print(f"  - name: route-{n}\n    paths: [/path-{n}]")
    print(f"  plugins:\n  - name: key-auth\n    config: {{key_names: [key-{n}]}}")
print("consumers:")
for n in range(2500):
    print(f"- username: consumer-{n}")
PYTHON
    sed 's/host-\([0-9]*\)00\.test/other-\100.test/' "$file" >"$changed"
    timed "sync of 10,000 entities" "$(figures 10000 0 0)" gateway sync "$file"
    timed "diff of 10,000 entities" "$none" gateway diff --non-zero-exit-code "$file"
    timed "sync of 10,000 entities of which 24 changed" "$(figures 0 24 0)" gateway sync "$changed"
    timed "dump of 10,000 entities" "" gateway dump -o "$work/many-dump.yaml" --yes
    timed "reset of 10,000 entities" "Deleted: 10000" gateway reset --force
}

for store in "${STORES[@]}"; do
    if has_store "$store"; then
        start_node "$store"
        every_kind
        never_equal
        many
    fi
done
same="a real Kong answers the same"
left_out "an empty diff of oauth2 credentials without client_type and hash_secret" "decK does not fill in defaults of credentials; $same"
left_out "an empty diff of datadog and response-ratelimiting with parts of metrics and limits" "decK does not fill in nulls inside lists and maps; $same"
left_out "an empty diff of acme without storage_config.kong" "decK does not fill in a record without fields; $same"
conclude
