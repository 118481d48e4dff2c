#!/bin/bash
# R-ALL-4: no password of a run, and no hash of one, is found in a log (slapd's tells all
# that it can), in syslog, in denshid's files, in a diff, the history or an answer, nor a
# password in the directory's files, slapd's audit log, or anybody's arguments or
# environment. About 20 s. (The log of changes of two servers: partition.sh.)
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
work=$(mktemp -d /run/secrets.XXXXXX) # not where is looked for them
chmod 755 "$work"
mkdir "$work/answers"

# secret: a new password of 12 letters and digits, remembered.
secret() {
	local word
	word=$(od -An -N5 -tx1 /dev/urandom | tr -d ' \n')k7
	echo "$word" >>"$work/secrets"
	printf %s "$word"
}
n=0
keep() { # COMMAND...: its answer is kept to be searched
	n=$((n + 1))
	"$@" >"$work/answers/$n" 2>&1
	rc=$?
	out=$(cat "$work/answers/$n")
}
try() { keep pamtester denshi "$1" authenticate acct_mgmt <<<"$2"; }
as() { local id=$1; shift; keep runuser -u "$id" -- denshi "$@"; }
cut -f 2,3 "$DENSHI_SANDBOX/passwords" | tr '\t' '\n' | grep -v '^-*$' >"$work/secrets"

# slapd writes each change with its values: what a replica's or an access log has, too.
install -d -o openldap "$work/audit"
ldapmodify -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" >/dev/null <<END
dn: cn=module{0},cn=config
changetype: modify
add: olcModuleLoad
olcModuleLoad: auditlog

dn: olcOverlay=auditlog,olcDatabase={1}mdb,cn=config
changetype: add
objectClass: olcOverlayConfig
objectClass: olcAuditLogConfig
olcOverlay: auditlog
olcAuditlogFile: $work/audit/log

# As an administrator has it who looks for an error.
dn: cn=config
changetype: modify
replace: olcLogLevel
olcLogLevel: stats stats2 acl trace args filter config conns
END

# What goes to syslog: from the modules, from slapd, from root's commands.
cat >"$work/syslog.py" <<'END'
import os, socket, sys
if os.path.lexists("/dev/log"):
    os.unlink("/dev/log")
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
os.chmod("/dev/log", 0o666)
with open(sys.argv[1], "ab", buffering=0) as f:
    while True:
        f.write(s.recv(65536) + b"\n")
END
python3 "$work/syslog.py" "$work/syslog" &
syslog=$!
await 5 test -S /dev/log
sandbox-service stop slapd # it asks once where the log is
sandbox-service start slapd

# Who looks at the processes meanwhile; its own arguments have none.
sample() {
	while :; do
		cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -aFf "$work/secrets" >>"$work/seen"
		sleep 0.02
	done
}
: >"$work/seen"
sample &
sampler=$!

# ---- what people do with passwords ------------------------------------------------------------
approval=$(approval_of d-master1)
try d-maker01 "$(login_of d-maker01)"
check "a right one" done_well
try d-maker01 "$(secret)"
check "a wrong one" refused
try d-nobody01 "$(secret)"
check "of nobody" refused
try d-maker01 "$(secret)$(printf 'x%.0s' {1..300})"
check "too long" refused
try d-maker01 "ｐ$(secret)"
check "full-width" refused
secret >/dev/null
new=$(tail -n 1 "$work/secrets")
as d-maker01 passwd --password-fd 0 <<<"$(login_of d-maker01)"$'\n'"$new"
check "changed" done_well
as d-maker01 passwd --password-fd 0 <<<"$new"$'\n'"$(secret)　"
check "changed to what it may not be" refused
as d-maker01 passwd --password-fd 0 <<<"$(secret)"$'\n'"$(secret)"
check "changed with a wrong one" refused
as d-appr001 passwd --approval --password-fd 0 <<<"$(secret)"$'\n'"$(secret)"
check "an approval password, with a wrong one" refused
secret >/dev/null
as d-appr001 passwd --approval --password-fd 0 <<<"$(approval_of d-appr001)"$'\n'"$(tail -n 1 "$work/secrets")"
check "an approval password" done_well
secret >/dev/null
initial=$(tail -n 1 "$work/secrets")
as d-master1 unlock d-plain01 --password-fd 0 <<<"$initial"$'\n'"$(secret)"
check "unlocked with a wrong approval password" refused
as d-master1 unlock d-plain01 --password-fd 0 <<<"$initial"$'\n'"$approval"
check "unlocked" done_well
as d-plain01 passwd --password-fd 0 <<<"$initial"$'\n'"$initial"
check "an initial one kept" refused
as d-plain01 passwd --password-fd 0 <<<"$initial"$'\n'"$(login_of d-plain01)"
check "an initial one changed" done_well
as d-master1 user create d-secret1 --name Secret --mail s@acme.example --password-fd 0 --yes <<<"$(secret)"
check "a user" done_well
as d-master1 user create d-secret2 --name Secret --mail nonsense --password-fd 0 --yes <<<"$(secret)"
check "a user who can't be" refused
as d-master1 user-update --yes --password-fd 0 <<<"$(secret)"
check "an update with a wrong password" refused
as d-master1 user-update --yes --password-fd 0 <<<"$approval"
check "an update" done_well
as d-master1 authority give d-secret1 transfer.approver --yes --password-fd 0 <<<"$approval"$'\n'"$(secret)"
check "a first approver authority" done_well
printf 'login,name,mail,password\nd-secret3,Three,t@acme.example,%s\nd-secret4,Four,none,%s\n' "$(secret)" "$(secret)" \
	>"$work/users.csv"
chown d-master1 "$work/users.csv"
chmod 600 "$work/users.csv"
as d-master1 user import "$work/users.csv" --yes --password-fd 0 <<<"$approval"
check "an import that is refused" refused
sed -i /secret4/d "$work/users.csv"
as d-master1 user import "$work/users.csv" --yes --password-fd 0 <<<"$approval"
check "an import" done_well
as d-master1 user-update --yes --password-fd 0 <<<"$approval"
as d-master1 user-update --history
as d-master1 user show d-secret1
as d-master1 user show d-secret3 --json
as d-master1 user list
keep ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b ou=updates,o=acme
for _ in 1 2 3 4 5 6 7; do try d-secret3 "$(secret)"; done
check "locked" refused
# A hash that the module refuses, and says so.
ldapmodify -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" >/dev/null <<<$'dn: uid=d-plain01,ou=people,o=acme\nchangetype: modify\nreplace: userPassword\nuserPassword: {ARGON2}$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA'
try d-plain01 "$(secret)"
check "a hash that is refused" refused
ldapmodify -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" >/dev/null <<<$'dn: cn=approval,uid=d-master1,ou=people,o=acme\nchangetype: modify\nadd: denshiAttempt\ndenshiAttempt: 7'
run denshi rescue d-master1 --yes
check "a rescue" done_well
sed -nE 's/^  (login|approval): *//p' <<<"$out" >>"$work/secrets"
check "shows two passwords" equals "$(sed -nE 's/^  (login|approval): *[a-z0-9]{12}$/x/p' <<<"$out" | wc -l)" 2
keep ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -b ou=updates,o=acme '(cn=rescue-*)'
kill $sampler $syslog
wait $sampler $syslog 2>/dev/null

# ---- where none of them may be -----------------------------------------------------------------
# As they are, and as LDIF has what isn't plain.
while read -r word; do
	echo "$word"
	printf %s "$word" | base64
done <"$work/secrets" >"$work/patterns"
total=$(wc -l <"$work/secrets")
check "there is something to look for ($total)" test "$total" -gt 30
cp "$work/secrets" "$work/answers/control"
check "and it is found where it is" grep -qaFf "$work/patterns" "$work/answers/control"
rm "$work/answers/control"
mv "$DENSHI_SANDBOX/passwords" "$work/" # the one file that has them
found() { # WHERE...: files with a password
	out=$(grep -rlaFf "$work/patterns" "$@" 2>/dev/null)
	[ -n "$out" ]
}
nowhere() { ! found "$@"; }
check "syslog was written: by the modules" grep -qa pam_denshi "$work/syslog"
check "by the hashing of slapd" grep -qa 'pw-argon2id: ' "$work/syslog"
check "by root's commands" grep -qa 'audit event=rescue user=d-master1' "$work/syslog"
check "it has no password" nowhere "$work/syslog"
check "slapd's log" nowhere "$DENSHI_SANDBOX/slapd.log"
check "the logs of denshid, denshi-ca, sshd and setup" nowhere "$DENSHI_SANDBOX"
check "slapd's audit log was written" grep -q '^userPassword' "$work/audit/log"
check "it has no password" nowhere "$work/audit"
check "it has hashes alone" sh -c '! sed -n "s/^userPassword:: //p" "$1" | while read -r v; do echo "$v" | base64 -d; echo; done |
	grep -v "^{ARGON2}.argon2id"' - "$work/audit/log"
check "the directory's files" nowhere /var/lib/denshi-server
check "denshid's files" nowhere /var/lib/denshi /run/denshi /run/denshi-slapd
check "answers, diffs, history" nowhere "$work/answers"
hashes() { # WHERE...: files with a hash, as it is or in base64
	out=$(grep -rlaE 'argon2id?\$v=|e0FSR09OMn0' "$@" 2>/dev/null)
	[ -n "$out" ]
}
no_hashes() { ! hashes "$@"; }
check "hashes are found where they are" hashes "$work/audit"
check "and in no log, file of denshid's or answer" no_hashes "$work/syslog" "$DENSHI_SANDBOX" /var/lib/denshi /run/denshi \
	/run/denshi-slapd "$work/answers"
check "though slapd told of each right that it looked for" grep -qa 'access_allowed' "$work/syslog"
# Those of the ceremony are in its script, and may be in copies of it on this machine.
grep 'k7$' "$work/secrets" >"$work/patterns"
find /var/log /tmp /var/tmp /home -xdev -type f -size -10M -newer "$DENSHI_SANDBOX/setup.log" -print0 2>/dev/null >"$work/files"
check "the system's logs, temporary files and homes" sh -c '! xargs -0r grep -laFf "$1" <"$2" | grep -q .' - "$work/patterns" "$work/files"
out=$(cat "$work/seen")
check "nobody's arguments or environment" says_nothing
mv "$work/passwords" "$DENSHI_SANDBOX/"
rm -rf "$work"
summary
