#!/bin/bash
# denshi directory backup, restore and compare: nothing is lost, nothing half-restored is in use.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
uri=$DENSHI_LDAP_URI state=/var/lib/denshi-server
work=$(mktemp -d /run/backup.XXXXXX)
chmod 755 "$work"
directory() { run denshi directory "$@"; }
dump() { setpriv --reuid=openldap --regid=openldap --clear-groups slapcat -n 1 -F $state/directory/config -o ldif_wrap=no; }
# What a set holds, whatever the order: without what a server writes now and then, and when
# the pointer was written, which a restore makes new.
plain() { grep -v '^contextCSN:' | awk 'BEGIN { RS = ""; FS = "\n" } { for (i = 1; i <= NF; i++) print $1 "\t" $i }' | grep -v '^dn: cn=serial,.*entryCSN:' | sort; }

# ---- a backup under write load: the state of one moment ----
# Each round adds an account and then takes the one before away: at any moment there
# are one or two of them, and never a gap.
load() {
	local n=0
	while [ ! -e "$work/enough" ]; do
		n=$((n + 1))
		printf 'dn: cn=load-%d,ou=accounts,o=acme\nchangetype: add\nobjectClass: denshiAccountEntry\ncn: load-%d\n\n' $n $n
		[ $n = 1 ] || printf 'dn: cn=load-%d,ou=accounts,o=acme\nchangetype: delete\n\n' $((n - 1))
	done | ldapmodify -Q -Y EXTERNAL -H "$uri" >/dev/null 2>&1
}
load &
writer=$!
sleep 0.3
for k in 1 2 3 4; do
	directory backup "$work/load-$k"
	check "a backup under load" done_well
	n=$(tail -c +1 "$work/load-$k" | sed '1,/^$/d' | zcat | grep -c '^dn: cn=load-')
	check "it shows one moment ($n)" equals "$((n == 1 || n == 2))" 1
done
touch "$work/enough"
wait $writer
check "four different states" equals "$(for k in 1 2 3 4; do sed '1,/^$/d' "$work/load-$k" | zcat | grep '^dn: cn=load-' | tail -n 1; done | sort -u | wc -l)" 4
out=$(ldapsearch -Q -Y EXTERNAL -H "$uri" -LLL -b ou=accounts,o=acme '(cn=load-*)' 1.1 | sed -n 's/^dn: //p')
rc=0
for dn in $out; do ldapdelete -Q -Y EXTERNAL -H "$uri" "$dn"; done

# ---- the file ----
directory backup "$work/plain"
check "a backup" done_well
check "it says that the key is not in it" says 'keys of the CAs .* are not in it' ''
check "root's alone" equals "$(stat -c '%a %U' "$work/plain")" "600 root"
check "nothing beside it" equals "$(find "$work" -name 'plain?*' | wc -l)" 0
check "no key of the CA in it" equals "$(sed '1,/^$/d' "$work/plain" | zcat | grep -c '^#= file ca/')" 0
directory backup "$work/plain"
check "an existing file is kept" says 'File exists' ''
# Killed at any moment: whole, or nothing of it, not even under another name.
mkdir "$work/killed"
halves=0
for wait in 0.01 0.03 0.05 0.08 0.12 0.2; do
	denshi directory backup "$work/killed/file" >/dev/null 2>&1 &
	pid=$!
	sleep $wait
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	if [ -e "$work/killed/file" ]; then
		denshi directory compare "$work/killed/file" >/dev/null 2>&1 || halves=$((halves + 1))
		rm "$work/killed/file"
	fi
	halves=$((halves + $(find "$work/killed" -type f | wc -l)))
done
check "killed six times: nothing half is left" equals $halves 0
directory backup "$work/key" --with-ca-key
check "with the key of the CA" done_well
check "it is in it" equals "$(sed '1,/^$/d' "$work/key" | zcat | grep -cE '^#= file ca/ca.(key|pem)')" 2
directory backup /nowhere/file
check "a folder that isn't there" refused
run setpriv --reuid=nobody denshi directory backup /tmp/x
check "only root" says 'diradm-not-root' ''
directory compare "$work/plain"
check "compare: the same" says 'are the same' ''
ldapmodify -Q -Y EXTERNAL -H "$uri" >/dev/null <<<$'dn: cn=001-1234567,ou=accounts,o=acme\nchangetype: modify\nreplace: description\ndescription: other'
directory compare "$work/plain"
check "compare: a changed entry" says 'not the same in both: dn: cn=001-1234567,ou=accounts,o=acme' ''
check "and refuses" status_is 1

# ---- the drill: beside the one in use, nothing of which is touched ----
run denshi directory restore --state "$work/drill" --config "$work/drill.conf" --yes "$work/plain"
check "restored aside" done_well
run denshi directory compare --state "$work/drill" "$work/plain"
check "it is what the backup is" says 'are the same' ''
check "with its denshi.conf" equals "$(stat -c %a "$work/drill.conf")" 644

# ---- what isn't whole is refused ----
directory restore "$work/plain" --yes
check "not where there is a directory" says 'restore-exists' ''
size=$(stat -c %s "$work/key")
damaged() { # WHAT FILE
	directory restore "$2" --yes
	check "refused: $1" says 'backup-(damaged|foreign)' ''
}
for at in 20 200 $((size / 2)) $((size - 3)); do
	cp "$work/key" "$work/bad"
	printf '\x5a\xa5' | dd of="$work/bad" bs=1 seek="$at" conv=notrunc status=none
	damaged "two other bytes at $at" "$work/bad"
done
head -c $((size - 9)) "$work/key" >"$work/bad"
damaged "a cut one" "$work/bad"
head -c 100 "$work/key" >"$work/bad"
damaged "a head only" "$work/bad"
: >"$work/bad"
damaged "an empty one" "$work/bad"
damaged "another file" /bin/bash
sed 's/^schema .*/schema 99/' "$work/key" >"$work/bad"
damaged "another version written into it" "$work/bad"
# The same with the right checksum: a backup of a newer denshi.
sum=$(sed 's/^schema .*/schema 99/' "$work/key" | sed '/^sha256 /d' | sha256sum | cut -d' ' -f1)
sed -e 's/^schema .*/schema 99/' -e "s/^sha256 .*/sha256 $sum/" "$work/key" >"$work/bad"
directory restore "$work/bad"
check "a newer denshi's backup is refused" says 'directory-newer' ''

# ---- restored into nothing ----
login=$(login_of d-plain01)
serial=$(denshi status --json | tr -d ' \n' | grep -o '"serial":[0-9]*')
# After the backup: a failed login, and a user more in force.
pamtester denshi d-plain01 authenticate <<<wrong-0 >/dev/null 2>&1
ldapadd -Q -Y EXTERNAL -H "$uri" >/dev/null <<'END'
dn: cn=d-later01.1,ou=published,o=acme
objectClass: denshiVersion
cn: d-later01.1
uid: d-later01
denshiSerial: 1
denshiState: active
uidNumber: 209999
gidNumber: 200000
homeDirectory: /home/d-later01
loginShell: /bin/sh
denshiRole: general

END
serial_entry=cn=serial,ou=published,o=acme
ldapmodify -Q -Y EXTERNAL -H "$uri" >/dev/null <<<"dn: $serial_entry
changetype: modify
replace: denshiSerial
denshiSerial: 99"
check "the later user is known to this host" await 10 getent passwd d-later01
# Whole or nothing: killed while it builds.
sandbox-service stop denshi-ca
sandbox-service stop slapd
mv $state "$state.gone"
mkdir -m 755 $state
for wait in 0.01 0.02 0.03 0.04 0.06 0.1; do
	denshi directory restore "$work/key" --yes >/dev/null 2>&1 &
	pid=$!
	sleep $wait
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	if [ -e $state/directory ]; then
		directory compare "$work/key"
		check "killed after $wait s: in use, and whole" done_well
		rm $state/directory
	fi
done
rm -rf $state
mkdir -m 755 $state
cp /etc/denshi/denshi.conf "$work/conf"
for n in 1 2 3 4 5; do
	: >/etc/denshi/denshi.conf
	strace -f -o "$work/trace" -e trace=renameat -e inject=renameat:signal=KILL:when=$n \
		denshi directory restore "$work/key" --yes >/dev/null 2>&1
	check "killed at rename $n: in use with its settings, or not at all" \
		sh -c "[ ! -e $state/directory ] || grep -q ^organisation /etc/denshi/denshi.conf"
	rm -rf $state
	mkdir -m 755 $state
done
cp "$work/conf" /etc/denshi/denshi.conf
directory restore "$work/key" --dry-run
check "a dry run" done_well
check "changes nothing" equals "$(find $state -mindepth 1 | wc -l)" 0
directory restore "$work/key" </dev/null
check "it asks" says 'not confirmed' ''
directory restore "$work/key" --yes
check "restore" done_well
check "nothing of the killed ones is left" equals "$(find $state -maxdepth 1 -name 'set-*' | wc -l)" 1
check "the CA's key is the signer's alone" equals "$(stat -L -c '%a %U' $state/ca/ca.key)" "600 denshi-ca"
cmp -s $state/ca/ca.key "$state.gone/ca/ca.key"
check "and the same" equals $? 0
check "nobody else reads the data" equals "$(stat -L -c '%a %U' $state/directory/data)" "700 openldap"
sed '1,/^$/d' "$work/key" | zcat | sed -n '/^#= database/,/^#= file/p' | grep -v '^#= ' | plain >"$work/before"
dump | plain >"$work/after"
run diff "$work/before" "$work/after"
check "every entry with every attribute" says_nothing
check "hashes and operational ones among them" equals "$(grep -cE '	(userPassword|entryUUID|pwdChangedTime)' "$work/after" | awk '{ print ($1 > 10) }')" 1
sandbox-service start slapd
directory compare "$work/key"
check "compare, while it runs" says 'are the same' ''
sandbox-service start denshi-ca

# ---- and used ----
restored=$(ldapsearch -LLL -Q -Y EXTERNAL -H "$uri" -b $serial_entry -s base denshiSerial | sed -n "s/^denshiSerial: //p")
check "what was in force here stays, until somebody decides" await 10 sh -c 'denshi status | grep -q "snapshot-behind"'
run getent passwd d-later01
check "with the later user" done_well
run denshi snapshot accept "$restored"
check "who isn't kept any longer" await 15 sh -c '! getent passwd d-later01'
check "the serial is that of the backup" await 5 sh -c 'denshi status --json | tr -d " \n" | grep -q "$1"' - "${serial%\"}"
out=$(pamtester denshi d-plain01 authenticate <<<"$login" 2>&1)
rc=$?
check "a login" done_well
out=$(runuser -u d-maker01 -- denshi request transfer --subject 'after the restore' 2>&1)
rc=$?
check "a request is written" done_well
rm -rf "$state.gone" "$work"
summary
