# approvals.sh - for tests of requests and approvals; sourced after checks.sh.
# shellcheck shell=bash disable=SC2034
as() { runuser -u "$1" -- denshi "${@:2}"; } # USER ARGS...
as_master() { # ARGS...: with the approval password
	as d-master1 "$@" --password-fd 0 <<<"$(approval_of d-master1)"
}

id=''
request() { # USER BUSINESS ARGS...: $id is the request's
	run as "$1" request "${@:2}"
	id=$(grep -oE 'r-[a-z0-9]+' <<<"$out" | head -n 1)
}

# An approval session of USER, as at a login that goes on.
declare -A session=()
log_in() { # USER
	pamtester denshi "$1" open_session >/dev/null 2>&1
	session[$1]=$(basename "$(grep -l " $1 open" /run/denshi/sessions/* | head -n 1)")
}
decide() { # USER approve|reject ARGS...
	[ -n "${session[$1]:-}" ] || log_in "$1"
	DENSHI_SESSION=${session[$1]} as "$@" --password-fd 0 <<<"$(approval_of "$1")"
}
approve() { decide "$1" approve "${@:2}"; }              # USER ID...
reject() { decide "$1" reject "$2" --reason "$3"; }      # USER ID REASON
approve_quietly() { approve "$@" >/dev/null 2>&1; }

state_of() { # ID, as a master sees it
	as d-master1 requests --json |
		python3 -c 'import json, sys; print(*[r["state"] for r in json.load(sys.stdin) if r["id"] == sys.argv[1]])' "$1"
}

# A user with these authorities and the approval password Shonin-2.
second_approver() { # USER AUTHORITY...
	as d-master1 user create "$1" --name Second --mail second@acme.example --password-fd 0 --yes <<<hatsu1234 >/dev/null 2>&1
	as_master user-update --yes >/dev/null 2>&1
	await 10 getent passwd "$1"
	as d-master1 authority give "$@" --yes --password-fd 0 <<<"$(approval_of d-master1)"$'\nshoki-2\nshoki-2' >/dev/null 2>&1
	await 10 sh -c "id $1 | grep -q '${*: -1}'"
	as "$1" passwd --password-fd 0 <<<$'hatsu1234\nPassword-2' >/dev/null 2>&1
	as "$1" passwd --approval --password-fd 0 <<<$'shoki-2\nShonin-2' >/dev/null 2>&1
	printf '%s\tPassword-2\tShonin-2\n' "$1" >>"$DENSHI_SANDBOX/passwords"
}
