# checks.sh - counting checks in shell tests; sourced. What a step printed is in
# $out, its status in $rc; $language is ja or en.
# shellcheck shell=bash disable=SC2034
passed=0 failed=0 out='' rc=0

t() { if [ "$language" = ja ]; then printf %s "$2"; else printf %s "$1"; fi; }

check() { # WHAT TEST [ARG...]
	local what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED: %s\n  (status %s)\n%s\n' "$what" "$rc" "$out" >&2
		tail -n 5 "$DENSHI_SANDBOX/denshid.log" >&2
		# Where each step stands on the one before, the first failure is the one to look at.
		[ -z "${stop_at_first:-}" ] || { summary; exit 1; }
	fi
}

done_well() { [ "$rc" = 0 ]; }
refused() { [ "$rc" != 0 ]; }
status_is() { [ "$rc" = "$1" ]; }
says() { grep -qE -- "$(t "$1" "$2")" <<<"$out"; } # ENGLISH JAPANESE, regular expressions
says_not() { ! says "$@"; }
says_nothing() { [ -z "$out" ]; }
equals() { [ "$1" = "$2" ]; }
at_most() { [ "$1" -le "$2" ]; }

run() { # COMMAND...: its output and status
	out=$("$@" 2>&1)
	rc=$?
}

# The password of the file that the ceremony wrote: login_of ID, approval_of ID.
login_of() { awk -F '\t' -v id="$1" '$1 == id { print $2 }' "$DENSHI_SANDBOX/passwords"; }
approval_of() { awk -F '\t' -v id="$1" '$1 == id { print $3 }' "$DENSHI_SANDBOX/passwords"; }

# One of OpenLDAP's clients, as the administrator of the directory's machine: root COMMAND OPTION...
root() { "$1" -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" "${@:2}"; }

# A credential's slots: how many are taken; freed with slapd's own lock, by root, where a right password ends slapd's own count.
slots_of() { root ldapsearch -LLL -s base -b "$1" denshiAttempt | grep -c '^denshiAttempt: [1-6]$'; } # DN
free_slots() { # DN [PASSWORD]
	root ldapmodify >/dev/null <<<"dn: $1"$'\nchangetype: modify\nreplace: denshiAttempt\n-\nreplace: denshiAttemptRecord\n-\nreplace: pwdAccountLockedTime'
	[ $# = 1 ] || ldapwhoami -x -H "$DENSHI_LDAP_URI" -D "$1" -w "$2" >/dev/null
}

# binds_of DN [LOG...]: the binds as DN whose password was looked at, by slapd's log: what it has answered, but for what its guard
# refuses before, which says so. It writes the answer down after it is sent: a second is waited for that.
binds_of() {
	local k
	for ((k = 0; k < 50; k++)); do
		awk -v bind="BIND dn=\"$1\" method=128" '
			/slapd starting/ { split("", begun) }
			!match($0, /conn=[0-9]+ /) { next }
			{ connection = FILENAME " " substr($0, RSTART, RLENGTH) }
			index($0, bind) { begun[connection] = 1 }
			/ RESULT tag=97 / && connection in begun { binds += !/text=not tried: /; delete begun[connection] }
			/ closed/ { delete begun[connection] }
			END { print binds + 0; for (connection in begun) exit 1 }' "${@:2}" "$DENSHI_SANDBOX/slapd.log" && return
		sleep 0.02
	done | tail -n 1
}
# The same at once, with what isn't answered yet.
begun_of() { grep -c "BIND dn=\"$1\" method=128" "$DENSHI_SANDBOX/slapd.log"; }

# await SECONDS COMMAND...: until it succeeds; in tenths of a second.
await() {
	local k
	for ((k = $1 * 10; k > 0; k--)); do
		"${@:2}" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}

summary() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}
