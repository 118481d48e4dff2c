#!/bin/bash
# What the directory itself refuses, whoever asks by plain LDAP: a stolen host
# identity, a user who talks past denshid, an approver of something else.
set -u
# The last command of a pipeline runs in this shell: it counts.
shopt -s lastpipe
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
uri=$DENSHI_LDAP_URI people=ou=people,o=acme

host() { setpriv --reuid=denshi --regid=denshi --groups=denshi-directory "$1" -Q -Y EXTERNAL -H "$uri" "${@:2}"; }
ca() { setpriv --reuid=denshi-ca --regid=denshi-ca --groups=denshi-directory "$1" -Q -Y EXTERNAL -H "$uri" "${@:2}"; }
login() { local id=$1; "$2" -x -H "$uri" -D "uid=$id,$people" -w "$(login_of "$id")" "${@:3}"; }
approval() { local id=$1; "$2" -x -H "$uri" -D "cn=approval,uid=$id,$people" -w "$(approval_of "$id")" "${@:3}"; }

# may / may_not WHAT IDENTITY...: the LDIF on standard input, by that identity.
attempt() { out=$("$@" 2>&1 <<<"$ldif"); rc=$?; }
may_not() { local what=$1; shift; ldif=$(cat); attempt "$@"; check "may not: $what" refused; }
may() { local what=$1; shift; ldif=$(cat); attempt "$@"; check "may: $what" done_well; }
modify() { printf 'dn: %s\nchangetype: modify\n%s\n' "$1" "$2"; }

someone=uid=d-plain01,$people

# ---- a host ----
modify "$someone" $'add: denshiAttempt\ndenshiAttempt: 1' | may_not "a host takes a slot" host ldapmodify
modify "$someone" $'add: denshiAttempt\ndenshiAttempt: 7' | may_not "a host seals" host ldapmodify
modify "$someone" $'add: denshiAttemptRecord\ndenshiAttemptRecord: 1 forged' | may_not "a host adds a record" host ldapmodify
modify "$someone" $'add: denshiAttempt\ndenshiAttempt: 1' | may "root does" root ldapmodify
modify "$someone" $'delete: denshiAttempt\ndenshiAttempt: 1' | may_not "a host frees a slot" host ldapmodify
modify "$someone" $'replace: denshiAttempt\ndenshiAttempt: 2' | may_not "a host replaces slots" host ldapmodify
modify "$someone" $'add: denshiAttempt\ndenshiAttempt: 8' | may_not "a host takes slot 8" host ldapmodify
modify "$someone" $'delete: denshiAttemptRecord' | may_not "a host deletes records" host ldapmodify
modify "$someone" $'add: userPassword\nuserPassword: backdoor1' | may_not "a host adds a password" host ldapmodify
modify "$someone" $'replace: userPassword\nuserPassword: backdoor1' | may_not "a host replaces a password" host ldapmodify
modify "$someone" $'replace: denshiRole\ndenshiRole: master' | may_not "a host makes a master" host ldapmodify
modify "$someone" $'add: denshiAuthority\ndenshiAuthority: transfer.approver' | may_not "a host gives an authority" host ldapmodify
modify "cn=serial,ou=published,o=acme" $'replace: denshiSerial\ndenshiSerial: 99' | may_not "a host moves the pointer" host ldapmodify
may_not "a host publishes a user" host ldapadd <<END
dn: cn=d-evil001.9,ou=published,o=acme
objectClass: denshiVersion
cn: d-evil001.9
uid: d-evil001
denshiSerial: 9
denshiState: active
END
may_not "a host registers a user" host ldapadd <<END
dn: uid=d-evil001,$people
objectClass: inetOrgPerson
objectClass: denshiUser
uid: d-evil001
cn: x
sn: x
denshiRole: general
END
may_not "a host prepares authorities" host ldapadd <<END
dn: uid=d-evil001,ou=prepared,o=acme
objectClass: inetOrgPerson
objectClass: denshiUser
uid: d-evil001
cn: x
sn: x
denshiRole: general
denshiAuthority: transfer.approver
END
# What lies below a prepared user would be moved in with it.
may "a host prepares a user" host ldapadd <<END
dn: uid=d-evil001,ou=prepared,o=acme
objectClass: inetOrgPerson
objectClass: denshiUser
uid: d-evil001
cn: x
sn: x
denshiRole: general
END
may_not "a host prepares another one below it" host ldapadd <<END
dn: uid=d-evil002,uid=d-evil001,ou=prepared,o=acme
objectClass: inetOrgPerson
objectClass: denshiUser
uid: d-evil002
cn: x
sn: x
denshiRole: master
END
for uid in 'd-evil]/uid & [x' 'd-evil?uid?sub' 'd-evil 001'; do
	may_not "a host prepares somebody whose ID is none: $uid" host ldapadd <<END
dn: uid=$uid,ou=prepared,o=acme
objectClass: inetOrgPerson
objectClass: denshiUser
uid: $uid
cn: x
sn: x
denshiRole: general
END
done
may_not "a host prepares an approval credential" host ldapadd <<END
dn: cn=approval,uid=d-evil001,ou=prepared,o=acme
objectClass: denshiApproval
objectClass: denshiCredential
cn: approval
END
# slapd asks for no right to the values that a new name brings, and ends itself at some.
for rdn in uid=d-evil002 uid=d-evil001+denshiAuthority=transfer.approver uid=d-evil001+denshiAttempt=7 uid=d-evil001+pager=1 \
	uid=d-evil001+objectClass=extensibleObject uid=d-evil001+createTimestamp=20300101000000Z denshiState=active; do
	run host ldapmodrdn uid=d-evil001,ou=prepared,o=acme "$rdn"
	check "may not: a host names them $rdn" says 'Insufficient access' ''
done
modify "uid=d-evil001,ou=prepared,o=acme" $'add: userPassword\nuserPassword: one-1\nuserPassword: two-2' |
	may_not "a host prepares two passwords" host ldapmodify
run host ldapdelete uid=d-evil001,ou=prepared,o=acme
check "may: a host takes it back" done_well
may_not "a host makes an approval credential" host ldapadd <<END
dn: cn=approval,$someone
objectClass: denshiApproval
objectClass: denshiCredential
cn: approval
END
may_not "a host grants a certificate" host ldapadd <<END
dn: cn=g-evil,ou=certificates,o=acme
objectClass: denshiGrant
cn: g-evil
denshiOwner: $someone
denshiGrantedBy: $someone
denshiExpires: 20991231000000Z
END
run host ldapsearch -LLL -b o=acme '(userPassword=*)' userPassword
check "a host reads no password" says_not 'userPassword' ''
run host ldapdelete "$someone"
check "may not: a host deletes a user" refused
run host ldapmodrdn -r -s ou=people,o=acme "uid=d-plain01,$people" uid=d-plain02
check "may not: a host renames a user" refused
list=cn=hosts,ou=services,o=acme this_host=cn=sandbox.denshi.test,ou=hosts,o=acme
modify "$list" "add: member
member: cn=evil,ou=hosts,o=acme" | may_not "a host makes a host" host ldapmodify
may_not "a host describes a host" host ldapadd <<END
dn: cn=evil,ou=hosts,o=acme
objectClass: denshiHost
cn: evil
denshiHostId: x
END
# A host that is taken off the list is nobody at its next operation, on a connection too
# that it opened before: one ldapsearch, a filter a line.
coproc searches {
	setpriv --reuid=denshi --regid=denshi --groups=denshi-directory stdbuf -oL \
		ldapsearch -LLL -Q -Y EXTERNAL -H "$uri" -b "$people" -f - '(uid=%s)' cn 2>&1
}
exec 8<&"${searches[0]}" 9>&"${searches[1]}"
ask() { echo "$1" >&9; out=$(timeout 2 sed -u '/./,$!d; /^$/q' <&8); }
ask d-plain01
check "a host reads a user" says '^cn:' ''
modify "$list" "delete: member
member: $this_host" | root ldapmodify >/dev/null 2>&1
ask d-maker01
check "taken off the list, it reads nothing, on the same connection" says '^No such object' ''
modify "$someone" $'add: denshiAttempt\ndenshiAttempt: 1' | may_not "and takes no slot" host ldapmodify
modify "$list" "add: member
member: $this_host" | root ldapmodify >/dev/null 2>&1
await 5 runuser -u d-maker01 -- denshi status

# ---- login identities ----
# Attempts are the server's own, and a master's.
root ldapmodify >/dev/null 2>&1 <<<"$(modify "uid=d-maker01,$people" $'add: denshiAttempt\ndenshiAttempt: 3\n-\nadd: denshiAttemptRecord\ndenshiAttemptRecord: 3 forged')"
modify "uid=d-maker01,$people" $'delete: denshiAttemptRecord' |
	may_not "a host deletes a user's records of attempts" host ldapmodify
modify "uid=d-maker01,$people" $'delete: denshiAttemptRecord' |
	may_not "a user deletes all records of attempts at once" login d-maker01 ldapmodify
check "for want of the right to" says 'Insufficient access' ''
modify "uid=d-maker01,$people" $'delete: denshiAttemptRecord\ndenshiAttemptRecord: 3 forged' |
	may_not "nor those that they name" login d-maker01 ldapmodify
check "for want of the right, too" says 'Insufficient access' ''
modify "uid=d-maker01,$people" $'add: denshiAttempt\ndenshiAttempt: 5' | may_not "a user takes a slot" login d-maker01 ldapmodify
modify "uid=d-maker01,$people" $'add: denshiAttemptRecord\ndenshiAttemptRecord: 4 forged' |
	may_not "or forges a record" login d-maker01 ldapmodify
run root ldapsearch -LLL -s base -b "uid=d-maker01,$people" denshiAttempt denshiAttemptRecord
check "a right password has freed what it saw" says_not 'denshiAttempt' ''
modify "uid=d-maker01,$people" $'add: denshiAuthority\ndenshiAuthority: transfer.approver' |
	may_not "a user gives themself an authority" login d-maker01 ldapmodify
modify "uid=d-maker01,$people" $'replace: denshiRole\ndenshiRole: master' |
	may_not "a user makes themself a master" login d-maker01 ldapmodify
modify "uid=d-master1,$people" $'add: denshiAuthority\ndenshiAuthority: transfer.approver' |
	may_not "a master's login does what needs the approval password" login d-master1 ldapmodify
may_not "a general user makes an approval credential" login d-maker01 ldapadd <<END
dn: cn=approval,uid=d-maker01,$people
objectClass: denshiApproval
objectClass: denshiCredential
cn: approval
END
may_not "a master's login makes a second approval identity" login d-master1 ldapadd <<END
dn: cn=approval2,uid=d-master1,$people
objectClass: denshiApproval
objectClass: denshiCredential
cn: approval2
END
may_not "a master's login makes one under another name" login d-master1 ldapadd <<END
dn: cn=approval2,uid=d-master1,$people
objectClass: denshiApproval
objectClass: denshiCredential
cn: approval2
cn: approval
END
for rdn in objectClass=denshiApproval cn=approval+objectClass=denshiApproval objectClass=denshiCredential; do
	may_not "a master's login makes one named $rdn" login d-master1 ldapadd <<END
dn: $rdn,uid=d-master1,$people
objectClass: denshiApproval
objectClass: denshiCredential
cn: approval
END
done
may_not "a master's login makes an entry that is none" login d-master1 ldapadd <<END
dn: cn=other,uid=d-master1,$people
objectClass: device
objectClass: simpleSecurityObject
cn: other
userPassword: backdoor1
END
modify "cn=approval,uid=d-master1,$people" $'add: userPassword\nuserPassword: backdoor1' |
	may_not "a login adds a password to its approval credential" login d-master1 ldapmodify
modify "cn=approval,uid=d-appr001,$people" $'replace: userPassword\nuserPassword: backdoor1' |
	may_not "nor replaces it" login d-appr001 ldapmodify
run login d-appr001 ldappasswd -s backdoor1 "cn=approval,uid=d-appr001,$people"
check "may not: by the password operation either" refused
modify "uid=d-maker01,$people" $'add: userPassword\nuserPassword: second-1' |
	may_not "a user has two passwords" login d-maker01 ldapmodify
run login d-maker01 ldapsearch -LLL -b o=acme '(uid=d-appr001)' cn
check "a user reads only themself" says_not 'd-appr001' ''

# ---- requests and decisions ----
id=$(runuser -u d-maker01 -- denshi request transfer --subject x --json | grep -oE 'r-[a-z0-9]+' | head -n 1)
request=cn=$id,ou=requests,o=acme
digest_of() { root ldapsearch -LLL -o ldif-wrap=no -b "$request" -s base denshiDigest | sed -n 's/^denshiDigest: //p'; }
decide() { # APPROVER [DIGEST]
	printf 'dn: %s\nchangetype: modify\nadd: denshiDecision\ndenshiDecision: approved\n-\n' "$request"
	printf 'add: denshiDecidedBy\ndenshiDecidedBy: %s\n-\nadd: denshiDecidedDigest\ndenshiDecidedDigest: %s\n' "$1" "${2:-$(digest_of)}"
}
decide "cn=approval,uid=d-appr001,$people" | may_not "a host decides" host ldapmodify
decide "uid=d-maker01,$people" | may_not "a maker decides" login d-maker01 ldapmodify
decide "uid=d-appr001,$people" | may_not "an approver's login decides" login d-appr001 ldapmodify
decide "cn=approval,uid=d-master1,$people" | may_not "a master decides a business they don't hold" approval d-master1 ldapmodify
decide "cn=approval,uid=d-both001,$people" | may_not "an approver decides in another's name" approval d-appr001 ldapmodify
modify "$request" $'replace: denshiSubject\ndenshiSubject: y' | may_not "a host alters a request" host ldapmodify
modify "$request" $'replace: denshiSubject\ndenshiSubject: y' | may_not "a maker alters a request" login d-maker01 ldapmodify
# Half a decision would stand in the way of everybody else's.
modify "$request" $'add: denshiDecision\ndenshiDecision: approved' | may_not "an approver says only that they approve" approval d-appr001 ldapmodify
modify "$request" $'add: denshiReason\ndenshiReason: z' | may_not "or leaves only a reason" approval d-appr001 ldapmodify
decide "cn=approval,uid=d-appr001,$people" 0123456789 | may_not "or of another digest" approval d-appr001 ldapmodify
decide "cn=approval,uid=d-appr001,$people" | sed 's/approved$/perhaps/' | may_not "or something else than yes or no" approval d-appr001 ldapmodify
decide "cn=approval,uid=d-appr001,$people" 0123456789 |
	may_not "or of another digest, with the Relax Rules control" approval d-appr001 ldapmodify -e '!relax'
modify "$request" $'add: denshiUsed\ndenshiUsed: x' | may_not "a host uses what nobody approved" host ldapmodify
may_not "a host enters one for approvers of its own choice" host ldapadd <<END
dn: cn=r-chosen,ou=requests,o=acme
objectClass: denshiRequest
cn: r-chosen
denshiMaker: uid=d-maker01,$people
denshiBusiness: transfer
denshiApproverAuthority: inquiry.use
denshiSubject: x
denshiDigest: $(digest_of)
denshiRequestedAt: 20260101000000Z
denshiExpires: 20360101000000Z
END
modify "$request" $'add: cn\ncn: r-other' | may_not "a host gives a request a second name" host ldapmodify
decide "cn=approval,uid=d-appr001,$people" | may "an approver decides" approval d-appr001 ldapmodify
modify "$request" $'replace: denshiDecision\ndenshiDecision: rejected' | may_not "and changes it afterwards" approval d-appr001 ldapmodify
run approval d-appr001 ldapdelete "$request"
check "may not: or deletes it" refused

# Who wants another approver gets one, also from a service that doesn't ask for it, and
# also from the directory itself.
id=$(runuser -u d-both001 -- denshi request transfer --subject y --json | grep -oE 'r-[a-z0-9]+' | head -n 1)
request=cn=$id,ou=requests,o=acme
decide "cn=approval,uid=d-both001,$people" | may_not "a maker approves their own transfer" approval d-both001 ldapmodify
modify "$request" $'add: denshiReason\ndenshiReason: z' | may_not "or leaves a reason on it" approval d-both001 ldapmodify
# A suspended approver decides nothing, and what they decided counts for nothing.
runuser -u d-master1 -- denshi user suspend d-appr001 --password-fd 0 <<<"$(approval_of d-master1)" >/dev/null 2>&1
decide "cn=approval,uid=d-appr001,$people" | may_not "a suspended approver decides" approval d-appr001 ldapmodify
runuser -u d-master1 -- denshi user resume d-appr001 --password-fd 0 <<<"$(approval_of d-master1)" >/dev/null 2>&1
decide "cn=approval,uid=d-appr001,$people" | may "a resumed one does" approval d-appr001 ldapmodify

# ---- ways round ----
# With the Relax Rules control slapd's constraints look away, whoever sends it.
modify "uid=d-maker01,$people" $'add: userPassword\nuserPassword: second-1' |
	may_not "a user has two passwords, relaxed" login d-maker01 ldapmodify -e '!relax'
modify "uid=d-maker01,$people" $'add: userPassword\nuserPassword: second-1' |
	may_not "or where the control may be ignored" login d-maker01 ldapmodify -e relax
may "a host prepares a user again" host ldapadd <<END
dn: uid=d-evil003,ou=prepared,o=acme
objectClass: inetOrgPerson
objectClass: denshiUser
uid: d-evil003
cn: x
sn: x
denshiRole: general
userPassword: first-one-1
END
modify "uid=d-evil003,ou=prepared,o=acme" $'add: userPassword\nuserPassword: second-2' |
	may_not "a host gives them a second password, relaxed" host ldapmodify -e '!relax'
run host ldapdelete uid=d-evil003,ou=prepared,o=acme
may_not "a host prepares one that may be anything" host ldapadd <<END
dn: uid=d-evil004,ou=prepared,o=acme
objectClass: inetOrgPerson
objectClass: denshiUser
objectClass: extensibleObject
uid: d-evil004
cn: x
sn: x
denshiRole: general
END
# In somebody else's name (RFC 4370), and several at a time (RFC 5805).
for by in "host" "login d-plain01" "approval d-appr001"; do
	# shellcheck disable=SC2086
	modify "$someone" $'replace: denshiRole\ndenshiRole: master' |
		may_not "$by acts as a master" $by ldapmodify -e "!authzid=dn:cn=approval,uid=d-master1,$people"
	# shellcheck disable=SC2086
	modify "$someone" $'replace: denshiRole\ndenshiRole: master' |
		may_not "$by acts as the administrator" $by ldapmodify \
			-e '!authzid=dn:gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth'
done
printf '%s\n\n' "$(modify "$someone" $'add: denshiAttempt\ndenshiAttempt: 3')" \
	"$(modify "$someone" $'replace: denshiRole\ndenshiRole: master')" |
	may_not "a host makes a master within a transaction" host ldapmodify -E '!txn=commit'
check "for none begins" says 'txn_start' ''
run root ldapsearch -LLL -b "$someone" -s base denshiAttempt denshiRole
check "and nothing of it is done" says_not 'denshiAttempt: 3|denshiRole: master' ''
# Other ways to spell a name are the same name.
for dn in "UID=D-Plain01,OU=People,O=Acme" 'uid=d-\70lain01,ou=people,o=acme' 'uid = d-plain01 , ou=people, o=acme' \
	"0.9.2342.19200300.100.1.1=d-plain01,$people"; do
	modify "$dn" $'replace: denshiRole\ndenshiRole: master' | may_not "a host makes a master of $dn" host ldapmodify
	modify "$dn" $'delete: denshiAttemptRecord' | may_not "or deletes their records" host ldapmodify
done
for rdn in 'cn=appr\6fval' 'CN=Approval+objectClass=denshiCredential' '2.5.4.3=approval+cn=other'; do
	may_not "a user makes an approval identity as $rdn" login d-plain01 ldapadd <<END
dn: $rdn,uid=d-plain01,$people
objectClass: denshiApproval
objectClass: denshiCredential
cn: approval
END
done
# Attributes with options (RFC 3866) are others to what unlocks and hashes, and the same to filters.
with_options() { # DN: additions of values of each kind to all attributes of denshi and some others
	local name value
	for name in $(root ldapsearch -LLL -o ldif-wrap=no -b cn=Subschema -s base attributeTypes |
		grep -oE "NAME '?(denshi[A-Za-z]+)" | grep -o 'denshi.*') userPassword uid cn sn mail preferredLanguage member; do
		for value in 1 active TRUE 20300101000000Z "$someone"; do
			modify "$1" "add: $name;lang-en"$'\n'"$name;lang-en: $value"
			echo
		done
	done
}
host ldapadd >/dev/null <<END
dn: uid=d-evil005,ou=prepared,o=acme
objectClass: inetOrgPerson
objectClass: denshiUser
uid: d-evil005
cn: x
sn: x
denshiRole: general
END
with_options "$someone" >"$DENSHI_SANDBOX/options"
check "there are such attempts" test "$(grep -c '^add: denshi' "$DENSHI_SANDBOX/options")" -gt 250
for dn in "$someone" uid=d-evil005,ou=prepared,o=acme "$request"; do
	sed "s/^dn: .*/dn: $dn/" "$DENSHI_SANDBOX/options" >"$DENSHI_SANDBOX/options.here"
	for by in "host" "login d-plain01" "approval d-appr001" "approval d-master1" "ca"; do
		# shellcheck disable=SC2086
		$by ldapmodify -c <"$DENSHI_SANDBOX/options.here" >/dev/null 2>&1
	done
done
out=$(root ldapsearch -LLL -b o=acme '(!(objectClass=denshiBusinessEntry))' | grep ';lang-')
check "nobody adds an attribute with an option" says_nothing
host ldapdelete uid=d-evil005,ou=prepared,o=acme
run host ldapsearch -LLL -b cn=config
check "a host reads nothing of the configuration" says_not 'olc' ''
modify 'cn=config' $'replace: olcLogLevel\nolcLogLevel: none' | may_not "nor writes it" host ldapmodify
modify 'olcDatabase={1}mdb,cn=config' $'delete: olcAccess' | may_not "a master drops the access rules" approval d-master1 ldapmodify

# ---- where another server is the writer ----
# Hashes of earlier passwords are there, and are nobody's, on either.
run root ldapsearch -LLL -b "$people" '(pwdHistory=*)' pwdHistory
check "slapd keeps earlier hashes" says 'pwdHistory' ''
run host ldapsearch -LLL -b "$people" '(uid=*)' pwdHistory
check "a host reads none" says_not 'pwdHistory' ''
writer=$(root ldapsearch -LLL -b cn=writer,o=acme -s base denshiWriter | sed -n 's/^denshiWriter: //p')
be_writer() { modify cn=writer,o=acme "replace: denshiWriter"$'\n'"denshiWriter: $1" | root ldapmodify >/dev/null 2>&1; }
be_writer other.example
run host ldapsearch -LLL -b "$people" '(uid=*)' pwdHistory
check "nor here" says_not 'pwdHistory' ''
check "where everything else is read" says 'dn: uid=d-plain01' ''
modify "$someone" $'add: denshiAttempt\ndenshiAttempt: 5' | may_not "a host takes a slot here" host ldapmodify
run login d-plain01 ldapwhoami
check "may not: the right password is checked here" refused
be_writer "$writer"
run login d-plain01 ldapwhoami
check "may: it is where the writer is" done_well

# ---- history ----
modify "cn=1,ou=updates,o=acme" $'add: denshiDiff\ndenshiDiff: 999999 forged' | may_not "a master rewrites history" approval d-master1 ldapmodify
modify "cn=1,ou=updates,o=acme" $'replace: denshiState\ndenshiState: running' | may_not "or reopens it" approval d-master1 ldapmodify
run approval d-master1 ldapdelete "cn=1,ou=updates,o=acme"
check "may not: or deletes it" refused
# A record that another master's run is writing, or has left: whoever writes into it is named there.
root ldapadd >/dev/null <<END
dn: cn=77,ou=updates,o=acme
objectClass: denshiUpdate
cn: 77
denshiSerial: 77
denshiMaster: cn=approval,uid=d-other001,$people
denshiUpdateTime: 20260101000000Z
denshiState: running
denshiDiff: 000001 add d-other002 role: - -> general
END
forged=$'add: denshiDiff\ndenshiDiff: 000002 add d-forged1 role: - -> master'
modify cn=77,ou=updates,o=acme "$forged" | may_not "a master adds to another's update" approval d-master1 ldapmodify
may_not "or a part" approval d-master1 ldapadd <<END
dn: cn=000001,cn=77,ou=updates,o=acme
objectClass: denshiUpdatePart
cn: 000001
denshiDiffLines: forged
END
modify cn=77,ou=updates,o=acme $'replace: denshiState\ndenshiState: done' | may_not "or ends it" approval d-master1 ldapmodify
modify cn=77,ou=updates,o=acme "add: denshiMaster"$'\n'"denshiMaster: cn=approval,uid=d-appr001,$people" |
	may_not "in somebody else's name" approval d-master1 ldapmodify
modify cn=77,ou=updates,o=acme "add: denshiMaster"$'\n'"denshiMaster: cn=approval,uid=d-master1,$people" |
	may "with their own name there" approval d-master1 ldapmodify
modify cn=77,ou=updates,o=acme "$forged" | may "they do" approval d-master1 ldapmodify
modify cn=77,ou=updates,o=acme "delete: denshiMaster"$'\n'"denshiMaster: cn=approval,uid=d-master1,$people" |
	may_not "and the name stays" approval d-master1 ldapmodify
root ldapdelete cn=77,ou=updates,o=acme
modify "uid=d-plain01,$people" $'add: denshiAuthority\ndenshiAuthority: inquiry.use' | may_not "an approver who is no master gives authorities" approval d-appr001 ldapmodify

# ---- the CA, and strangers ----
modify "$someone" $'replace: denshiRole\ndenshiRole: master' | may_not "denshi-ca makes a master" ca ldapmodify
modify "$someone" $'add: denshiAttempt\ndenshiAttempt: 2' | may_not "denshi-ca takes a slot" ca ldapmodify
run ldapsearch -x -H "$uri" -b o=acme
check "a stranger reads nothing" refused
run runuser -u nobody -- ldapwhoami -Q -Y EXTERNAL -H "$uri"
check "a stranger on this machine can't even connect" refused
# ---- a server that isn't the writer (R-LOCK-2) ----
modify cn=writer,o=acme $'replace: denshiWriter\ndenshiWriter: elsewhere.denshi.test' |
	may_not "a host makes another server the writer" host ldapmodify
modify cn=writer,o=acme $'replace: denshiWriter\ndenshiWriter: elsewhere.denshi.test' |
	may_not "nor a master" approval d-master1 ldapmodify
modify cn=writer,o=acme $'replace: denshiWriter\ndenshiWriter: elsewhere.denshi.test' |
	may "root does" root ldapmodify
modify "$someone" $'add: denshiAttempt\ndenshiAttempt: 2' | may_not "a host takes a slot there" host ldapmodify
modify "$someone" $'add: denshiAttempt\ndenshiAttempt: 7' | may_not "nor seals there" host ldapmodify
may_not "a host prepares a user there" host ldapadd <<END
dn: uid=d-evil001,ou=prepared,o=acme
objectClass: inetOrgPerson
objectClass: denshiUser
uid: d-evil001
cn: x
sn: x
denshiRole: general
END
run login d-plain01 ldapwhoami
check "a right password there" says "not tried: this server isn't the writer" ''
run approval d-appr001 ldapwhoami
check "nor the right approval password" says "not tried: this server isn't the writer" ''
root ldapmodify >/dev/null 2>&1 <<<"$(modify "$someone" $'add: denshiAttempt\ndenshiAttempt: 1')"
run host ldapsearch -LLL -b ou=people,o=acme '(uid=d-plain01)' cn denshiAttempt
check "a host reads there" says 'denshiAttempt: 1' ''
run host ldapsearch -LLL -b o=acme '(userPassword=*)' userPassword
check "but no password" says_not userPassword ''
modify cn=writer,o=acme $'replace: denshiWriter\ndenshiWriter: sandbox.denshi.test' | may "and back" root ldapmodify
run login d-plain01 ldapwhoami
check "the right password here" done_well
summary
