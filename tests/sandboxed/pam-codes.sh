#!/bin/bash
# The return codes of pam_denshi(8): each row of the page's table in a situation that leads to it, with the real
# denshid; and no code that the page hasn't. About 20 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
user=d-maker01
password=$(login_of $user)

# What pam_strerror(3) says of each, as pamtester prints it.
declare -A says_of=(
	[PAM_AUTH_ERR]='Authentication failure'
	[PAM_MAXTRIES]='Have exhausted maximum number of retries for service'
	[PAM_AUTHINFO_UNAVAIL]='Authentication service cannot retrieve authentication info'
	[PAM_USER_UNKNOWN]='User not known to the underlying authentication module'
	[PAM_SERVICE_ERR]='Error in service module'
	[PAM_PERM_DENIED]='Permission denied'
	[PAM_NEW_AUTHTOK_REQD]='Authentication token is no longer valid; new one required'
	[PAM_CONV_ERR]='Conversation error'
	[PAM_TRY_AGAIN]='Failed preliminary check by password service'
	[PAM_SESSION_ERR]='Cannot make/remove an entry for the specified session'
	[PAM_AUTHTOK_ERR]='Authentication token manipulation error'
)
declare -A call_of=([auth]=authenticate [account]=acct_mgmt [password]=chauthtok [session]=open_session)
: >"$DENSHI_SANDBOX/seen"
# gives CODE PHASE WHAT USER [SERVICE [AS]]: what is on standard input is what is answered.
gives() {
	local code=$1 phase=$2 what=$3 who=$4 service=${5:-denshi} as=${6:-root}
	run timeout 15 runuser -u "$as" -- pamtester "$service" "$who" "${call_of[$phase]}"
	echo "$phase $code" >>"$DENSHI_SANDBOX/seen"
	if [ "$code" = PAM_SUCCESS ] || [ "$code" = PAM_IGNORE ]; then
		check "$phase, $what: $code" done_well
	else
		check "$phase, $what: $code" says "(^| )pamtester: ${says_of[$code]}" ''
	fi
}

# Where the module says "ignore", and only then, the line that denies is stepped over.
for phase in auth account password session; do
	printf '%s [ignore=1 default=die] pam_denshi.so\n%s requisite pam_deny.so\n%s required pam_permit.so\n' $phase $phase $phase
done >/etc/pam.d/ignores
for phase in auth account password session; do printf '%s required pam_denshi.so nonsense\n' $phase; done >/etc/pam.d/mistaken

for phase in auth account password session; do
	gives PAM_IGNORE $phase "not a denshi user" root ignores
	gives PAM_SERVICE_ERR $phase "a wrong argument" $user mistaken <<<"$password"
	gives PAM_USER_UNKNOWN $phase "no login ID" 'd-no(id' <<<"$password"
done

# ---- auth ----
gives PAM_SUCCESS auth "the right password" $user <<<"$password"
gives PAM_AUTH_ERR auth "a wrong one" $user <<<"wrong-1"
gives PAM_AUTH_ERR auth "a name that nobody has" d-nobody1 <<<"wrong-1"
gives PAM_AUTH_ERR auth "no certificate" $user denshi-cert <<<"$password"
gives PAM_CONV_ERR auth "nobody answers" $user </dev/null
clear_attempts $user
for k in 1 2 3 4 5 6; do pamtester denshi d-plain01 authenticate <<<"wrong-$k" >/dev/null 2>&1; done
gives PAM_MAXTRIES auth "locked" d-plain01 <<<"$(login_of d-plain01)"

# ---- account ----
gives PAM_SUCCESS account "in force" $user
gives PAM_USER_UNKNOWN account "a name that nobody has" d-nobody1
gives PAM_PERM_DENIED account "locked" d-plain01
gives PAM_PERM_DENIED account "no certificate" $user denshi-cert
gives PAM_PERM_DENIED account "no approval" $user denshi-approve
suspend d-both001
gives PAM_PERM_DENIED account "suspended" d-both001
new_user d-first01
gives PAM_NEW_AUTHTOK_REQD account "an initial password" d-first01

# ---- password: the user's own wish ----
change() { printf '%s\n' "$@"; }
gives PAM_AUTH_ERR password "a wrong current one" $user denshi $user < <(change wrong-2 Kaki-31-no Kaki-31-no)
gives PAM_AUTHTOK_ERR password "rules broken, three times" $user denshi $user < <(change "$password" a1 a1 a2 a2 a3 a3)
gives PAM_CONV_ERR password "nobody answers" $user denshi $user </dev/null
gives PAM_PERM_DENIED password "root asks" $user </dev/null
gives PAM_PERM_DENIED password "locked" d-plain01 denshi d-plain01 < <(change "$(login_of d-plain01)" Kaki-31-no Kaki-31-no)
gives PAM_USER_UNKNOWN password "a name that nobody has" d-nobody1 denshi nobody </dev/null
gives PAM_SUCCESS password "a new one" $user denshi $user < <(change "$password" Kaki-31-no Kaki-31-no)
password=Kaki-31-no

# ---- session ----
gives PAM_SUCCESS session "opened" $user
gives PAM_SESSION_ERR session "not root's" $user denshi nobody

# ---- the directory, and denshid, are down ----
sandbox-service stop slapd
gives PAM_AUTHINFO_UNAVAIL auth "the directory is down" $user <<<"$password"
gives PAM_TRY_AGAIN password "the directory is down" $user denshi $user < <(change "$password" Kaki-32-no Kaki-32-no)
gives PAM_PERM_DENIED account "the directory is down" $user
sandbox-service start slapd
sandbox-service stop denshid
gives PAM_AUTHINFO_UNAVAIL auth "denshid is down" $user <<<"$password"
gives PAM_PERM_DENIED account "denshid is down" $user
gives PAM_TRY_AGAIN password "denshid is down" $user denshi $user </dev/null
gives PAM_SESSION_ERR session "denshid is down" $user
sandbox-service start denshid
await 10 pamtester denshi $user acct_mgmt
gives PAM_SUCCESS auth "and up again" $user <<<"$password"

# ---- the page: PHASE CODE, a line each ----
page=$(dirname "$here")/man/pam_denshi.8
sed -n '/^\.Bl -column "PAM_AUTHINFO/,/^\.El/s/^\.It Dv \(PAM_[A-Z_]*\) Ta \(.*\) Ta .*/\1:\2/p' "$page" |
	while IFS=: read -r code phases; do
		[ "$phases" != all ] || phases='auth, account, password, session'
		tr ',' '\n' <<<"$phases" | sed "s/^ *//; s/\$/ $code/"
	done | sort -u >"$DENSHI_SANDBOX/page"
# Of what stands in no row.
printf '%s\n' 'auth PAM_AUTH_ERR' 'account PAM_PERM_DENIED' 'password PAM_AUTHTOK_ERR' 'session PAM_SESSION_ERR' >>"$DENSHI_SANDBOX/page"
sort -u -o "$DENSHI_SANDBOX/page" "$DENSHI_SANDBOX/page"
sort -u -o "$DENSHI_SANDBOX/seen" "$DENSHI_SANDBOX/seen"
check "the page has its table" test "$(wc -l <"$DENSHI_SANDBOX/page")" -gt 20
out=$(comm -23 "$DENSHI_SANDBOX/page" "$DENSHI_SANDBOX/seen")
check "each of the page's rows was tried" says_nothing
out=$(comm -13 "$DENSHI_SANDBOX/page" "$DENSHI_SANDBOX/seen")
check "and the page has each that was seen" says_nothing
summary
