#!/usr/bin/env bash
# Schemathesis asks a node of either store for every operation of its OpenAPI document, with requests that the document
# allows and requests that it does not, and holds the answers against the document. All of its checks are on.
#
#     EXAMPLES=10 PHASES=examples,coverage,fuzzing,stateful SEED=2 bash tests/clients/schemathesis.sh     asks for longer

client=schemathesis
# shellcheck source=tests/clients/node.sh
. "$(dirname "${BASH_SOURCE[0]}")/node.sh"
needs python3
needs curl

VERSION=4.32.5
program=$cache/schemathesis-$VERSION/bin/schemathesis

if [ ! -x "$program" ]; then
    python3 -m venv "${program%/bin/*}"
    "${program%/bin/*}/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$VERSION"
fi

# What it remembers of a run is nobody's, so it runs where everything goes in the end.
cp -r "$here/schemathesis" "$work/asking"
cd "$work/asking"
for store in "${STORES[@]}"; do
    has_store "$store" || continue
    start_node "$store"
    # The document is made when it is first asked for; a build without optimization takes its time.
    for format in json yaml; do
        curl -sf -o /dev/null "$ADMIN_URL/openapi.$format"
    done
    # One worker: with several, Python 3.11 now and then fails to parse what Hypothesis looks at (cpython#106905).
    if REPOSITORY=$repository SCHEMATHESIS_HOOKS=hooks "$program" run "$ADMIN_URL/openapi.json" --checks all \
        --phases "${PHASES:-examples,fuzzing}" --max-examples "${EXAMPLES:-2}" --seed "${SEED:-1}" \
        --workers 1 --no-shrink --suppress-health-check all --warnings off >"$work/$store.log" 2>&1; then
        passed
    else
        failed "$store" "$(grep -v '^$' "$work/$store.log" | tail -200)"
    fi
    sed -n '/generated/p' "$work/$store.log"
    stop_node
done
conclude
