#!/bin/bash
# The recipes of docs/directory.md, each run as it stands there, each telling what it should.
set -u
# The last command of a pipeline runs in this shell: it counts.
shopt -s lastpipe
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
page=$(dirname "$here")/docs/directory.md

master() { runuser -u d-master1 -- denshi "$@" --password-fd 0 <<<"$(approval_of d-master1)"; }

# ---- something to find ----
for ((k = 0; k < 6; k++)); do pamtester denshi d-plain01 authenticate <<<"wrong-guess-$k" >/dev/null 2>&1; sleep 0.1; done
runuser -u d-master1 -- denshi user create d-first01 --name 'First One' --mail first@acme.example --password-fd 0 --yes \
	>/dev/null 2>&1 <<<hatsu9876
runuser -u d-master1 -- denshi cert grant d-first01 --yes >/dev/null 2>&1
run master user-update --yes
check "a new user is in force" done_well
runuser -u d-master1 -- denshi user change d-plain01 --mail new@acme.example --yes >/dev/null 2>&1
runuser -u d-maker01 -- denshi request transfer --account 001-1234567 --subject rent >/dev/null 2>&1
id=$(runuser -u d-maker01 -- denshi request transfer --account 001-1234567 --subject invoice --json | grep -oE 'r-[a-z0-9]+' | head -n 1)
# By an approver who has no session on this host.
approver=cn=approval,uid=d-appr001,ou=people,o=acme
request=cn=$id,ou=requests,o=acme
digest=$(ldapsearch -LLL -o ldif-wrap=no -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b "$request" denshiDigest | sed -n 's/^denshiDigest: //p')
run ldapmodify -x -H "$DENSHI_LDAP_URI" -D "$approver" -w "$(approval_of d-appr001)" <<END
dn: $request
changetype: modify
add: denshiDecision
denshiDecision: approved
-
add: denshiDecidedBy
denshiDecidedBy: $approver
-
add: denshiDecidedDigest
denshiDecidedDigest: $digest
-
add: denshiDecidedOn
denshiDecidedOn: 20260101000000Z here
END
check "a request is approved" done_well

# ---- the recipes ----
# One to a file: expects on the first line, then the commands.
work=$(mktemp -d)
awk -v work="$work" '/^<!-- expects: / { sub(/^<!-- expects: /, ""); sub(/ -->$/, ""); expects = $0 }
	/^```sh$/ { file = sprintf("%s/%02d", work, ++n); print expects >file; expects = ""; on = 1; next }
	/^```$/ { on = 0 } on { print >file }' "$page"
helper=$(sed 1d "$work/01")
for file in "$work"/*; do
	read -r expects <"$file"
	run bash -c "$helper
		exec 2>&1
		$(sed 1d "$file")"
	# A pattern may go over lines.
	out=$(tr '\n' ' ' <<<"$out" | sed 's/ask is a function.*} //')
	[ "$file" != "$work/01" ] || out="ask $out"
	check "$(sed -n 's/^ask //p' "$file" | head -n 1)" grep -qE -- "${expects:-no expectation}" <<<"$out"
done
check "all of them" [ "$(grep -c '^```sh' "$page")" = "$(find "$work" -type f | wc -l)" ]
rm -rf "$work"
summary
