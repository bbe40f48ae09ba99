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

start_node sqlite
if said=$(HOME=$work PYTHONDONTWRITEBYTECODE=1 python3 "$here/browser/explorer.py" "$ADMIN_URL" "${SCREENSHOT:-$work/explorer.png}" 2>&1); then
    passed
else
    failed /docs "$said"
fi
conclude
