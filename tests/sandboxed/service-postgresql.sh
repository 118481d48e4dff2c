#!/bin/bash
# PostgreSQL with `pam` in pg_hba.conf: the server isn't root, and asks for one password.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
user=d-maker01
bin=$(echo /usr/lib/postgresql/*/bin)
data=/run/pg
cp /usr/share/denshi/pam.d/postgresql.example /etc/pam.d/postgresql
install -d -m 700 -o postgres -g postgres $data
as_server() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
as_server "$bin/initdb" -D $data/db -A peer --no-sync >$data.log 2>&1 || { cat $data.log >&2; exit 1; }
printf 'local all postgres peer\nlocal all all pam pamservice=postgresql\nhost all all 127.0.0.1/32 pam pamservice=postgresql\n' \
	>$data/db/pg_hba.conf
setpriv --reuid=postgres --regid=postgres --clear-groups "$bin/postgres" -D $data/db -k $data -h 127.0.0.1 -p 5499 -F >>$data.log 2>&1 </dev/null &
server=$!
admin() { as_server "$bin/psql" -h $data -p 5499 -d postgres -qAt -c "$1"; }
await 20 admin 'select 1'
for u in $user d-plain01 d-first01 d-nobody1 jimoto; do admin "create role \"$u\" login"; done

ask() { # USER PASSWORD
	run env PGPASSWORD="$2" PGCONNECT_TIMEOUT=10 "$bin/psql" -h 127.0.0.1 -p 5499 -U "$1" -d postgres -qAt -P pager=off -c "select current_user"
}
ask $user "$(login_of $user)"
check "the right password: in" says '^d-maker01$' ''
ask $user wrong-1
check "a wrong one: refused" says 'PAM authentication failed' ''
check "one attempt" equals "$(taken $user)" 1
ask $user wrong-1
check "the same again takes no second" equals "$(taken $user)" 1
answers 'assword.*: $' "$(login_of $user)"
converse "$bin/psql" -h $data -p 5499 -U $user -d postgres -qAt -P pager=off -c "select current_user"
check "psql asks at a terminal, over the local socket" says '^d-maker01' ''
check "the count is zero" equals "$(taken $user)" 0
run "$bin/psql" -w -h 127.0.0.1 -p 5499 -U $user -d postgres -c 'select 1' </dev/null
check "no password: refused" refused
check "and not counted" equals "$(taken $user)" 0
ask d-nobody1 whatever-1
check "a role whose name nobody has at denshi's: refused" refused
new_user d-first01
ask d-first01 hatsu1234
check "the initial password opens nothing here" refused
check "and counts nothing" equals "$(taken d-first01)" 0
suspend d-plain01
ask d-plain01 "$(login_of d-plain01)"
check "a suspended user: refused" refused
ask jimoto x
check "a role that isn't denshi's: refused" refused
ask postgres x
check "nor the server's own" refused
sandbox-service stop denshid
ask $user "$(login_of $user)"
check "denshid down: refused" refused
kill -QUIT $server
await 10 sh -c "! kill -0 $server"
summary
