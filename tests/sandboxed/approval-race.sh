#!/bin/bash
# R-APP-2 under races and faults: of 64 programs that use one approval exactly one wins, whatever is
# killed in between; what was edited or replayed is refused; another clock changes nothing. About 30 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/approvals.sh
. "$here/approvals.sh"
user=d-maker01 approver=d-appr001
requests=ou=requests,o=acme
approved() { # SUBJECT
	request $user transfer --subject "$1"
	approve_quietly $approver "$id"
}
use() { denshi check-approval transfer --login $user --use; }
race() { # N: how many win
	local k
	for ((k = 0; k < $1; k++)); do use >"/tmp/race.$k" 2>&1 & done
	wait
	cat /tmp/race.[0-9]* >/tmp/race.all
	grep -c 'this use is recorded' /tmp/race.all
	rm -f /tmp/race.[0-9]*
}

for round in 1 2 3; do
	approved "race $round"
	check "64 race for one approval, round $round: one wins" equals "$(race 64)" 1
	check "the others are told what is missing" equals "$(sort -u /tmp/race.all | grep -c -e approval-missing -e request-used)" 1
	check "it is used" equals "$(state_of "$id")" used
done
for k in 1 2 3 4 5; do approved "one of five, $k"; done
check "64 race for five: five win" equals "$(race 64)" 5

# ---- killed in between ----
wins=0
for k in 1 2 3 4 5 6; do
	approved "killed $k"
	for n in 1 2 3 4 5 6 7 8; do use >"/tmp/race.$n" 2>&1 & done
	sleep "0.0$k"
	service=$([ $((k % 2)) = 0 ] && echo slapd || echo denshid)
	kill -9 "$(cat "$DENSHI_SANDBOX/$service.pid")"
	wait
	await 10 sh -c "! kill -0 $(cat "$DENSHI_SANDBOX/$service.pid")"
	sandbox-service start "$service" >/dev/null 2>&1
	await 20 sh -c "runuser -u $user -- denshi status | grep -q reachable"
	won=$(cat /tmp/race.[1-8] | grep -c 'this use is recorded')
	state=$(state_of "$id")
	check "$service killed: used once at most ($won, $state)" at_most "$won" 1
	check "$service killed: who won, won a used one" sh -c "[ $won = 0 ] || [ $state = used ]"
	if [ "$state" = approved ]; then
		run use
		check "$service killed: not lost" done_well
		won=1
	fi
	run use
	check "$service killed: and it is used up" refused
	wins=$((wins + won))
done
check "somebody won at all" test "$wins" -gt 0

# ---- edited by who may edit everything, past denshi ----
edit() { # ATTRIBUTE VALUE: by the administrator of the machine; for the next use
	root ldapmodify >/dev/null <<<"dn: cn=$id,$requests"$'\nchangetype: modify\nreplace: '"$1"$'\n'"$1: $2"
}
for change in "denshiSubject something else" "denshiBinding host=elsewhere" "denshiNeed 2" "denshiAmount JPY 1" \
	"denshiExpires 20400101000000Z" "denshiMaker uid=d-both001,ou=people,o=acme" "denshiAttachment 1 00ff x"; do
	approved "edited"
	edit "${change%% *}" "${change#* }"
	run use
	check "edited, ${change%% *}: refused" refused
	root ldapdelete "cn=$id,$requests"
done
# A decision on another digest, a copy under another name, an altered subject that was given its own
# digest: also the administrator's own hand is stopped by the server's constraints.
approved "replayed"
root ldapsearch -LLL -o ldif-wrap=no -b "cn=$id,$requests" '*' >/tmp/copy
run use
check "used" done_well
run root ldapadd <<<"$(sed "s/$id/r-replay1/" /tmp/copy)"
check "a copy of an approved request isn't taken" says 'Constraint violation' ''
run root ldapadd <<<"$(sed "s/$id/r-replay1/; /^denshiDeci/d; /^denshiUsed/d" /tmp/copy)"
check "without the decision it is" done_well
run approve $approver r-replay1
check "but nobody can approve it" says 'request-altered' ''
root ldapdelete "cn=r-replay1,$requests"
check "what was refused is recorded" grep -q 'event=approval-use.*result=request-altered' "$DENSHI_SANDBOX/denshid.log"

# ---- time is the directory's ----
cc -shared -fPIC -o "$DENSHI_SANDBOX/clock.so" "$here/clock.c" || exit 2
chmod 755 "$DENSHI_SANDBOX/clock.so"
clock() { # SECONDS beside the directory's: this host's denshid from now on
	sandbox-service stop denshid
	LD_PRELOAD=$DENSHI_SANDBOX/clock.so CLOCK_OFFSET=$1 sandbox-service start denshid
	await 20 sh -c "runuser -u $user -- denshi status | grep -q reachable"
}
rest_of() { # ID: seconds until it ends
	as $user requests --mine --json | python3 -c '
import datetime, json, sys
row = [r for r in json.load(sys.stdin) if r["id"] == sys.argv[1]][0]
parse = lambda t: datetime.datetime.fromisoformat(t.replace("Z", "+00:00")).timestamp()
print(int(parse(row["expires"]) - parse(row["time"])), int(abs(parse(row["time"]) - datetime.datetime.now().timestamp()) < 60))' "$1"
}
for ahead in 600 -600; do
	clock $ahead
	approved "$ahead seconds"
	check "a host $ahead s beside: entered when the directory says, for seven days" equals "$(rest_of "$id")" "604800 1"
	run denshi check-approval transfer --login $user --within 3s
	check "within 3 s" done_well
	sleep 4
	run denshi check-approval transfer --login $user --within 3s
	check "and no longer" says 'request-expired' ''
	# A host that writes what is there already (the permissive modify control) makes nothing younger.
	printf 'dn: cn=%s,%s\nchangetype: modify\nadd: denshiMaker\ndenshiMaker: uid=%s,ou=people,o=acme\n' "$id" "$requests" $user |
		setpriv --reuid=denshi --regid=denshi --groups=denshi-directory \
			ldapmodify -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -e '!1.2.840.113556.1.4.1413' >/dev/null 2>&1
	run denshi check-approval transfer --login $user --within 3s
	check "nor when a host has written it again" says 'request-expired' ''
	run use
	check "used" done_well
done
clock 600
approved "changed hosts"
clock -600
pamtester denshi $user authenticate <<<"$(login_of $user)" >/dev/null 2>&1
sleep 4
run denshi check-approval transfer --login $user --within 3s
check "a host that knows the directory's clock from a login alone" says 'request-expired' ''
run use
check "still to be used once" done_well
summary
