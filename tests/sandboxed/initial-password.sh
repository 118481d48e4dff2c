#!/bin/bash
# R-FIRST-1, R-APW-2, R-LOCK-5: an initial password stays one until it is changed, whatever
# its owner, a host or anybody else says to the directory by plain LDAP. About 10 s.
set -u
shopt -s lastpipe
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
people=ou=people,o=acme policies=ou=policies,o=acme

host() { setpriv --reuid=denshi --regid=denshi --groups=denshi-directory "$1" -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" "${@:2}"; }
bound() { "$3" -x -H "$DENSHI_LDAP_URI" -D "$1" -w "$2" "${@:4}"; } # DN PASSWORD PROGRAM...
master() { bound "cn=approval,uid=d-master1,$people" "$(approval_of d-master1)" "$@"; }
modify() { # DN WHO... <LDIF without dn: an attempt to change DN
	local dn=$1
	shift
	out=$({ printf 'dn: %s\nchangetype: modify\n' "$dn"; cat; } | "$@" 2>&1)
	rc=$?
}
marked() { root ldapsearch -LLL -s base -b "$1" pwdReset | grep -q '^pwdReset: TRUE'; }
policy_of() { root ldapsearch -LLL -o ldif-wrap=no -s base -b "$1" pwdPolicySubentry | sed -n 's/^pwdPolicySubentry: //p'; }
hash_of() { slappasswd -o module-path=/usr/lib/ldap -o module-load="pw-argon2id m=64 t=1" -h '{ARGON2}' -s "$1"; }
master_denshi() { runuser -u d-master1 -- denshi "$@" --password-fd 0; }
unlock() { # ID PASSWORD [--approval]
	run master_denshi unlock "$1" ${3:+"$3"} <<<"$2"$'\n'"$(approval_of d-master1)"
}

# cannot_shed WHAT: the mark is there; it was refused, or at least changed nothing.
cannot_shed() {
	check "$1: refused" refused
	check "$1: the mark stays" marked "$dn"
}

# The ways in which one might lose the mark without another password.
ways() { # PASSWORD
	local p=$1 self=(bound "$dn" "$1" ldapmodify)
	modify "$dn" "${self[@]}" <<<'delete: pwdReset'
	cannot_shed "$dn deletes the mark"
	modify "$dn" "${self[@]}" <<<$'replace: pwdReset\npwdReset: FALSE'
	cannot_shed "$dn denies the mark"
	run bound "$dn" "$p" ldappasswd -s "$p"
	cannot_shed "$dn sets the same password (RFC 3062)"
	run bound "$dn" "$p" ldappasswd -a "$p" -s "$p"
	cannot_shed "$dn sets the same password, naming the old one"
	modify "$dn" "${self[@]}" <<<$'replace: userPassword\nuserPassword: '"$p"
	cannot_shed "$dn replaces it by itself"
	modify "$dn" "${self[@]}" <<<$'delete: userPassword\n-\nadd: userPassword\nuserPassword: '"$p"
	cannot_shed "$dn deletes it and adds it"
	modify "$dn" "${self[@]}" <<<$'add: userPassword\nuserPassword: '"$p"
	cannot_shed "$dn adds it"
	modify "$dn" "${self[@]}" <<<$'replace: userPassword\nuserPassword: '"$(hash_of "$p")"
	cannot_shed "$dn stores a hash of it"
	modify "$dn" "${self[@]}" <<<$'delete: userPassword\n-\nadd: userPassword\nuserPassword: '"$(hash_of "$p")"
	cannot_shed "$dn deletes it and adds a hash"
	modify "$dn" "${self[@]}" <<<$'replace: userPassword\nuserPassword: other-password-1\n-\nreplace: userPassword\nuserPassword: '"$p"
	cannot_shed "$dn goes to and fro in one operation"
	modify "$dn" "${self[@]}" <<<$'replace: pwdPolicySubentry\npwdPolicySubentry: cn=login,'$policies
	cannot_shed "$dn chooses another policy"
	modify "$dn" "${self[@]}" <<<'delete: pwdPolicySubentry'
	cannot_shed "$dn leaves the policy"
	modify "$dn" "${self[@]}" <<<$'delete: pwdPolicySubentry\npwdPolicySubentry: '"$(policy_of "$dn")"
	cannot_shed "$dn leaves the policy by its name"
	modify "$dn" "${self[@]}" <<<'delete: pwdHistory'
	cannot_shed "$dn forgets earlier passwords"
	modify "$dn" host ldapmodify <<<'delete: pwdReset'
	cannot_shed "a host deletes the mark of $dn"
	modify "$dn" host ldapmodify <<<'delete: pwdPolicySubentry'
	cannot_shed "a host takes the policy from $dn"
}

# ---- a login password -------------------------------------------------------------
id=d-plain01 dn=uid=d-plain01,$people old=$(login_of d-plain01)
unlock $id hajimete1
check "a new initial password" done_well
check "it is marked" marked "$dn"
ways hajimete1
run bound "$dn" hajimete1 ldapwhoami
check "after all that it still opens the first login" done_well
out=$(pamtester denshi $id authenticate acct_mgmt <<<hajimete1 2>&1)
rc=$?
check "a login has to change it first" says 'uthentication token|new one required' ''
run root ldapsearch -LLL -s base -b "$dn" pwdHistory
check "no hash is kept that isn't needed" says_not pwdHistory ''

# A change by plain LDAP is one: the server takes the mark away.
run bound "$dn" hajimete1 ldappasswd -s "$old"
check "the password before the lock may be chosen again" done_well
run marked "$dn"
check "another password: the mark is gone" refused
out=$(pamtester denshi $id authenticate acct_mgmt <<<"$old" 2>&1)
rc=$?
check "and a login is a login" done_well
modify "$dn" bound "$dn" "$old" ldapmodify <<<$'add: pwdPolicySubentry\npwdPolicySubentry: cn=decoypolicy,'$policies
check "nobody puts themself under a policy that locks nothing" refused
# What is kept of it is for nobody's eyes.
run root ldapsearch -LLL -s base -b "$dn" pwdHistory
check "slapd remembers the initial one" says '^pwdHistory:' ''
for who in host master "bound $dn $old"; do
	# shellcheck disable=SC2086
	run $who ldapsearch -LLL -b "$dn" '(pwdHistory=*)' pwdHistory
	check "no hash of it for: ${who%% *}" says_not 'pwdHistory|^dn' ''
done

# By denshi: the policy is left, and the password before the last is no matter (R-PW-1).
unlock $id hajimete1
out=$(runuser -u $id -- denshi passwd --password-fd 0 2>&1 <<<$'hajimete1\nhajimete1')
rc=$?
check "denshi: the same one is refused" says 'pw-is-current' ''
for pair in hajimete1:Ringo-1-x Ringo-1-x:Mikan-2-y Mikan-2-y:Ringo-1-x Ringo-1-x:hajimete1 "hajimete1:$old"; do
	out=$(runuser -u $id -- denshi passwd --password-fd 0 2>&1 <<<"${pair%%:*}"$'\n'"${pair#*:}")
	rc=$?
	check "denshi: from ${pair%%:*} to another" done_well
done
check "under the ordinary policy again" equals "$(policy_of "$dn")" ''

# ---- a master's login with an initial password makes no approval credential --------------
run master_denshi user create d-second1 --name Second --mail second@acme.example --role master --yes <<<hajimete1
check "another master is prepared" done_well
modify "uid=d-second1,ou=prepared,o=acme" host ldapmodify <<<$'add: pwdPolicySubentry\npwdPolicySubentry: cn=decoypolicy,'$policies
check "a host puts no prepared user under a policy" refused
run master_denshi user-update --yes <<<"$(approval_of d-master1)"
check "and is in force" done_well
dn=uid=d-second1,$people
check "marked, also one that was moved in" marked "$dn"
run bound "$dn" hajimete1 ldapadd <<END
dn: cn=approval,$dn
objectClass: denshiApproval
objectClass: denshiCredential
cn: approval
END
check "no approval credential with an initial login password" refused
ways hajimete1

# ---- an approval password -----------------------------------------------------------------
id=d-appr001 dn=cn=approval,uid=d-appr001,$people old=$(approval_of d-appr001)
unlock $id hajimete2 --approval
check "a new initial approval password" done_well
check "it is marked too" marked "$dn"
ways hajimete2
run bound "$dn" hajimete2 ldapsearch -LLL -s base -b "$dn" cn
check "with it one does nothing but change it" refused
out=$(runuser -u $id -- denshi passwd --approval --password-fd 0 2>&1 <<<"hajimete2"$'\n'"$old")
rc=$?
check "the one before may be chosen again" done_well
run marked "$dn"
check "the mark is gone" refused
check "under the ordinary policy" equals "$(policy_of "$dn")" ''

# ---- both locks at once, and what failed (R-LOCK-5, R-LOCK-6) ------------------------------
id=d-maker01 dn=uid=d-maker01,$people old=$(login_of d-maker01)
for _ in 1 2 3; do pamtester denshi $id authenticate <<<wrong-1 >/dev/null 2>&1; done
for _ in 1 2 3 4 5 6 7; do bound "$dn" wrong-2 ldapwhoami >/dev/null 2>&1; done
run root ldapsearch -LLL -s base -b "$dn" pwdAccountLockedTime
check "slapd's own lock" says '^pwdAccountLockedTime:' ''
before=$(binds_of "$dn")
out=$(pamtester denshi $id authenticate <<<"$old" 2>&1)
check "locked by slapd is told as locked" says 'login-locked' ''
check "and nothing more is evaluated" equals "$(binds_of "$dn")" "$before"
run runuser -u d-master1 -- denshi user show $id
check "a master is shown that it is locked" says 'Failed  *6' ''
check "and when, where and by what" says '20[0-9-]* [0-9:]* UTC sandbox.denshi.test denshi' ''
unlock $id hajimete1
check "unlock prints it too" says '20[0-9-]* [0-9:]* UTC sandbox.denshi.test denshi' ''
run root ldapsearch -LLL -s base -b "$dn" denshiAttempt denshiAttemptRecord pwdAccountLockedTime pwdFailureTime
check "both locks and the records are gone" says_not '^(denshi|pwd)' ''
check "and it is marked" marked "$dn"
out=$(runuser -u $id -- denshi passwd --password-fd 0 2>&1 <<<$'hajimete1\n'"$old")
rc=$?
check "unlocked" done_well
summary
