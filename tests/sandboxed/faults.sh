#!/bin/bash
# What must be right when something is missing or wrong: the directory, denshid, the
# configuration, room on the disk, the approval password (R-ALL-1, R-ALL-5).
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"

log_in() { # USER PASSWORD
	local from
	from=$(date +%s%N)
	out=$(pamtester denshi "$1" authenticate acct_mgmt <<<"$2" 2>&1)
	rc=$?
	took_ms=$((($(date +%s%N) - from) / 1000000))
}
taken() { # USER: slots
	ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -s base -b "uid=$1,ou=people,o=acme" denshiAttempt |
		grep -c '^denshiAttempt:'
}
password=$(login_of d-maker01)

log_in d-maker01 "$password"
check "a login, as a start" done_well

# ---- the directory doesn't answer, then isn't there ----
slapd=$(cat "$DENSHI_SANDBOX/slapd.pid")
kill -STOP "$slapd"
log_in d-maker01 "$password"
check "slapd silent: refused" refused
check "slapd silent: under 5 s" at_most "$took_ms" 5000
check "slapd silent: NSS goes on" sh -c 'getent passwd d-maker01 >/dev/null'
kill -CONT "$slapd"
await 10 sh -c "echo '$password' | pamtester denshi d-maker01 authenticate"
log_in d-maker01 "$password"
check "slapd answers again: it heals by itself" done_well
check "and what was reserved is cleared" equals "$(taken d-maker01)" 0

sandbox-service stop slapd
log_in d-maker01 "$password"
check "slapd down: refused" refused
check "slapd down: the message says so, and that nothing counted" says 'directory.*nothing was counted' ''
check "slapd down: under 5 s" at_most "$took_ms" 5000
check "slapd down: id goes on from the snapshot" sh -c 'id d-appr001 | grep -q transfer.approver'
run runuser -u d-master1 -- denshi status
check "slapd down: status says so" says "can't be reached" ''
sandbox-service start slapd
await 10 sh -c "echo '$password' | pamtester denshi d-maker01 authenticate"
log_in d-maker01 "$password"
check "slapd back: it heals by itself" done_well
check "slapd down: it did not count" equals "$(taken d-maker01)" 0

# ---- denshid isn't there ----
sandbox-service stop denshid
run pamtester denshi d-maker01 authenticate <<<"$password"
check "denshid down: refused" refused
check "denshid down: PAM_AUTHINFO_UNAVAIL" says 'cannot retrieve authentication info' ''
check "denshid down: the message says what to do" says 'systemctl start denshid' ''
check "denshid down: NSS goes on" sh -c 'getent passwd d-maker01 >/dev/null'
run denshi status
check "denshid down: the command says so, status 3" status_is 3
run pamtester denshi root acct_mgmt
check "denshid down: root isn't denshi's business" says_not 'denshid' ''

# ---- a wrong configuration ----
cp /etc/denshi/denshi.conf /etc/denshi/good.conf
printf 'workers = "many";\n' >>/etc/denshi/denshi.conf
run denshid --foreground
check "a wrong setting: denshid doesn't start" refused
check "it names file, line, setting, what was found and what is allowed" \
	says '/etc/denshi/denshi.conf:[0-9]+.*workers.*many.*[0-9]+' ''
printf 'worker = 3;\n' >/etc/denshi/denshi.conf
run denshid --foreground
check "an unknown setting is refused too" says 'denshi.conf:1.*worker' ''
cp /etc/denshi/good.conf /etc/denshi/denshi.conf
rm /etc/denshi/good.conf
sandbox-service start denshid
log_in d-maker01 "$password"
check "denshid is back" done_well

# ---- no room for the snapshot ----
snapshot=/var/lib/denshi/snapshot
before=$(cksum <"$snapshot")
sandbox-service stop denshid
# denshid may write no file longer than 512 bytes: what a full disk does to it
sandbox-service start denshid --limit-file-size 512
run runuser -u d-master1 -- denshi authority give d-plain01 acct.001-1234567 --yes --password-fd 0 <<<"$(approval_of d-master1)"
check "the change itself is in force in the directory" done_well
sleep 1.5
check "disk full: the old snapshot stays" equals "$(cksum <"$snapshot")" "$before"
check "disk full: it is whole" sh -c 'getent passwd d-plain01 >/dev/null'
check "disk full: the log says so" grep -q 'can.t be written' "$DENSHI_SANDBOX/denshid.log"
check "disk full: nothing is left behind" sh -c '! ls /var/lib/denshi/snapshot.new 2>/dev/null'
sandbox-service stop denshid
sandbox-service start denshid
check "room again: the new one is in force" await 5 sh -c 'id d-plain01 | grep -q acct.001-1234567'

# ---- the signer isn't there ----
sandbox-service stop denshi-ca
runuser -u d-master1 -- denshi cert grant d-plain01 --yes >/dev/null 2>&1
runuser -u d-master1 -- denshi user-update --password-fd 0 >/dev/null 2>&1 <<<"$(approval_of d-master1)"
get() { # PIN
	run denshi cert get --login d-plain01 --output "$DENSHI_SANDBOX/new.p12" --password-fd 3 --pin-fd 4 \
		3<<<"$(login_of d-plain01)" 4<<<"$1"
}
get chikuwa8
check "denshi-ca down: said, and what to do" says 'ca-silent' ''
check "denshi-ca down: the key waits, encrypted, for its owner" \
	sh -c "grep -q 'ENCRYPTED PRIVATE KEY' '$DENSHI_SANDBOX/new.p12.waiting' && [ \$(stat -c %a '$DENSHI_SANDBOX/new.p12.waiting') = 600 ]"
sandbox-service start denshi-ca
get nothing9
check "another PIN doesn't open it" refused
get chikuwa8
check "denshi-ca back: the same command goes on" done_well
check "and nothing of it is left" sh -c "[ -s '$DENSHI_SANDBOX/new.p12' ] && [ ! -e '$DENSHI_SANDBOX/new.p12.waiting' ]"

# ---- the approval password ----
run runuser -u d-master1 -- denshi authority take d-plain01 acct.001-1234567 --yes --password-fd 0 <<<"wrong-0"
check "a wrong approval password: attempts left" says 'attempts left: 5' ''
run runuser -u d-master1 -- denshi authority take d-plain01 acct.001-1234567 --yes --password-fd 0 <<<"$(login_of d-master1)"
check "the login password in its place: a hint" says 'not the login password' ''
run runuser -u d-maker01 -- denshi user create d-sneaky1 --name x --mail x@acme.example --generate --yes
check "a general user is no master" says 'master-needed' ''
run denshi user list
check "nor is root" says 'not-a-denshi-user' ''
summary
