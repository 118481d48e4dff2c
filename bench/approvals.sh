# approvals.sh - sourced by run: what approvals cost, beside an LDAP search of the same slapd by the same identity.
# shellcheck shell=bash

# A request that is approved, and N that are past or waiting.
approval_ready() {
	local token approval
	approval=$(awk -F '\t' '$1 == "d-appr001" { print $3 }' "$DENSHI_SANDBOX/passwords")
	request=$(runuser -u d-maker01 -- denshi request transfer --subject bench --json | grep -oE 'r-[a-z0-9]+' | head -n 1)
	pamtester denshi d-appr001 open_session >/dev/null 2>&1
	token=$(basename "$(grep -l ' d-appr001 open' /run/denshi/sessions/* | head -n 1)")
	DENSHI_SESSION=$token runuser -u d-appr001 -- denshi approve "$request" --password-fd 0 <<<"$approval" >/dev/null ||
		wrong "approvals: not approved"
}
requests_ldif() { # N pending|past
	awk -v n="$1" -v what="$2" 'BEGIN {
		for (i = 1; i <= n; i++) {
			id = sprintf("r-%s%06d", what == "past" ? "p" : "w", i)
			printf "dn: cn=%s,ou=requests,o=acme\nobjectClass: denshiRequest\ncn: %s\n", id, id
			printf "denshiMaker: uid=%s,ou=people,o=acme\n", i % 100 || what == "pending" ? sprintf("d-bench%03d", i % 100) : "d-maker01"
			printf "denshiBusiness: transfer\ndenshiApproverAuthority: transfer.approver\ndenshiSubject: request %d\n", i
			printf "denshiDigest: 00\ndenshiNeed: 1\n"
			if (what == "past")
				printf "denshiRequestedAt: 20250101000000Z\ndenshiExpires: 20250108000000Z\ndenshiUsed: 20250102000000Z h s u\n\n"
			else
				printf "denshiRequestedAt: 20260101000000Z\ndenshiExpires: 20990101000000Z\n\n"
		}
	}' | ldapadd -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" >/dev/null || wrong "approvals: no requests"
}
approval_turn() { # SERIES
	local op value
	for ((pass = 1; pass <= 5; pass++)); do
		while read -r op value; do sample "$1" "$op" "$value"; done \
			< <("$bin/approval" /run/denshi-slapd/ldapi denshi "cn=$request,ou=requests,o=acme" d-maker01 transfer 500)
	done
}
approvals() {
	local from past=${APPROVALS_PAST:-100000}
	note "approvals"
	approval_ready
	approval_turn approvals
	requests_ldif 1000 pending
	for ((pass = 1; pass <= 5; pass++)); do
		from=$(date +%s%N)
		[ "$(runuser -u d-appr001 -- denshi requests --json | grep -c '"id"')" -ge 1000 ] || wrong "approvals: not listed"
		sample approvals list "$(awk -v ns=$(($(date +%s%N) - from)) 'BEGIN { printf "%.1f", ns / 1e6 }')"
	done
	note "approvals, $past past requests"
	requests_ldif "$past" past
	approval_turn approvals@past
}
