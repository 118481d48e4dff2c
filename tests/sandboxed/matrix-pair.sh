#!/bin/bash
# sandbox: outside
# The access matrix where there are two directory servers: what each lets the other do, and
# everybody with what only such servers have.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
exec "$here/sandbox" --fast --hosts 1 --spare 1 --language en -- "$here/sandboxed/matrix.sh" --pair "$@"
