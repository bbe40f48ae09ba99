#!/usr/bin/env bash
# A browser, Chromium without a window, opens /docs of a node: every entity is listed, and a request that is made there
# has its answer. Chromium reaches the node and nothing else, and no request may even try to.
#
#     SCREENSHOT=docs/explorer.png bash tests/clients/browser.sh     also takes the picture of the manual

client=browser
# shellcheck source=tests/clients/node.sh
. "$(dirname "${BASH_SOURCE[0]}")/node.sh"
needs python3
needs chromium

export PYTHONDONTWRITEBYTECODE=1

# What is asked of a node that lets in anybody, and of one that wants a token.
explore() {
    if said=$(HOME=$work python3 "$here/browser/explorer.py" "$ADMIN_URL" "$@" 2>&1); then
        passed
    else
        failed "/docs $*" "$said"
    fi
}

start_node sqlite
explore "${SCREENSHOT:-$work/explorer.png}"
token=a-token-that-nobody-guesses
start_node sqlite KONG_ENFORCE_RBAC=on "KONG_ADMIN_TOKEN=$token"
explore "$work/known.png" "$token"
conclude
