#!/usr/bin/env bash
# Runs aio-kong, a client for Python, against nodes of Silverback on both stores: its command line over a file
# (aio-kong/shop.yaml), and a program that goes through its library (aio-kong/script.py). It is installed into an
# environment of its own, by the versions that aio-kong/requirements.txt pins.
client=aio-kong
source "$(dirname "${BASH_SOURCE[0]}")/node.sh"
needs python3

installed=$cache/aio-kong/requirements.txt
if ! cmp -s "$here/aio-kong/requirements.txt" "$installed"; then
    python3 -m venv --clear "$cache/aio-kong"
    "$cache/aio-kong/bin/pip" install --quiet --disable-pip-version-check -r "$here/aio-kong/requirements.txt"
    cp "$here/aio-kong/requirements.txt" "$installed"
fi
shop=$here/aio-kong/shop.yaml

# prints NAME PATTERN ARGUMENT...: the command line succeeds, and the JSON it prints is as the expression says.
prints() {
    local name="$store: $1" expression=$2 output
    shift 2
    if output=$("$cache/aio-kong/bin/kongfig" "$@" --url "$ADMIN_URL" 2>&1) && python3 -c "
import json, sys
text = sys.argv[1]
try:
    answer = json.loads(text)
except ValueError:
    answer = None
assert $expression" "$output"; then
        passed
    else
        failed "$name" "$output"
    fi
}

command_line() {
    prints "yaml" "answer['services'][0]['routes'][0]['methods'] == ['GET']" yaml "$shop"
    prints "yaml, again" "len(answer['services'][0]['routes']) == 2" yaml "$shop"
    prints "services" "[(s['name'], s['port']) for s in answer] == [('billing', 8080)]" services --json
    prints "services, as a table" "'billing' in text and '8080' in text" services
    prints "routes" "sorted(r['name'] for r in answer) == ['invoices', 'receipts']" routes billing --json
    prints "consumers" "sorted(c['username'] for c in answer) == ['ann', 'ben']" consumers --json
    prints "key-auth of one who has a key" "answer['key'] == 'ann-key'" key-auth ann
    prints "key-auth of one who has none" "len(answer['key']) == 32" key-auth ben
    sed '/name: receipts/,/receipts\]/d; /^plugins:/,/generator/d' "$shop" >"$work/less.yaml"
    printf 'plugins: []\n' >>"$work/less.yaml"
    prints "yaml --clear" "[r['name'] for r in answer['services'][0]['routes']] == ['invoices'] and not answer['plugins']" \
        yaml --clear "$work/less.yaml"
    prints "services --delete" "'deleted' in text" services --delete billing
    prints "services, when there is none" "answer == []" services --json
    local output
    if ! output=$("$cache/aio-kong/bin/kongfig" routes billing --url "$ADMIN_URL" 2>&1) && grep -q '"message": "Not found"' <<<"$output"; then
        passed
    else
        failed "$store: routes of a service that is not there" "$output"
    fi
}

for store in "${STORES[@]}"; do
    if has_store "$store"; then
        start_node "$store"
        command_line
        while read -r line; do
            case $line in
                passed\ *) passed ;;
                left\ out\ *) line=${line#left out } && left_out "$store: ${line%%: *}" "${line#*: }" ;;
                *) failed "$store: the script" "$line" ;;
            esac
        done < <("$cache/aio-kong/bin/python" "$here/aio-kong/script.py" "$ADMIN_URL" 2>&1)
    fi
done
left_out "kongfig ip" "it shows an address of the machine and asks no server"
conclude
