#!/bin/bash
# sandbox: outside
# The access matrix where there are two directory servers: what each lets the other do, and
# everybody with what only such servers have. No host follows it: slapd may hang where the base of a
# search that persists is renamed, as only root could.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec "$here/sandbox" --fast --network --spare 1 --language en -- "$here/sandboxed/matrix.sh" --pair "$@"
