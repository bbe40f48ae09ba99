#!/usr/bin/env bash
# Runs commands as people type them, with curl, against nodes of Silverback on both stores, and compares the answers:
# those of README.md and the manual, and those of curl/*.txt, which go through Kong's own references of the Admin API.
# Each document begins with an empty store.
client=curl
source "$(dirname "${BASH_SOURCE[0]}")/node.sh"
needs curl
needs python3

silverback
# Documents call the program by its name.
ln -s "$(realpath "$SILVERBACK")" "$work/silverback"
PATH=$work:$PATH

for store in "${STORES[@]}"; do
    has_store "$store" || continue
    for document in "$repository"/README.md "$repository"/docs/{getting-started,coming-from-kong,operating,security}.md \
        "$here"/curl/*.txt; do
        # Workspaces, which the documents for people show, have to be asked for.
        case $document in
            *.md) start_node "$store" KONG_WORKSPACES=on ;;
            *) start_node "$store" ;;
        esac
        while read -r line; do
            case $line in
                passed\ *) passed ;;
                *) failed "$store, $(basename "$document")" "$line" ;;
            esac
        done < <(python3 "$here/curl/run.py" "$document" "$ADMIN_URL" 2>&1)
    done
done
left_out "the runtime groups of Konnect" "the API of another product; a real Kong answers 404 Not found, as is asserted"
conclude
