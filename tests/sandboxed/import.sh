#!/bin/bash
# The bulk load (R-ALL-8): all errors at once, one approval for all authorities, nobody twice
# and nobody half after an interruption, and out again as it came in.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
approval=$(approval_of d-master1)
work=$DENSHI_SANDBOX/import
install -d -o d-master1 -m 700 "$work"
umask 077

master() { runuser -u d-master1 -- denshi "$@"; }
sheet() { cat >"$work/$1" && chown d-master1 "$work/$1"; } # NAME: from standard input
import() { run master user import "$@"; }
import_approved() { run master user import "$@" --yes --password-fd 0 <<<"$approval"; }
host() { setpriv --reuid=denshi --regid=denshi --groups=denshi-directory "$1" -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" "${@:2}"; }
prepared() { root ldapsearch -LLL -s one -b ou=prepared,o=acme "${1:-(uid=*)}" uid | grep -c '^uid:'; }
update() { run master user-update --yes --password-fd 0 <<<"$approval"; }

# ---- what is wrong, all of it, and nothing done ----
sheet bad.csv <<'END'
login,name,mail,language,role,authorities,accounts,password,certificate
d-short,a:b,no-address,fr,boss,nothing.maker,999-9,12345,yes
d-load0001,Good One,good@acme.example,en,general,,,,
d-load0002,"never closed,x@acme.example,,,,,,
LOAD0001,Twin,twin@acme.example,,,,,,
d-maker01,Somebody Else,else@acme.example,,,,,,
d-load0003,few
d-load0004,st"ray,x@acme.example,,,,,,
END
import "$work/bad.csv" --yes
check "a wrong file: refused" status_is 1
check "2: the login ID, and what was found" says 'bad.csv:2: login ID.*found: d-short' ''
check "2: the name" says 'bad.csv:2: user name.*found: a:b' ''
check "2: the address" says 'bad.csv:2: e-mail.*found: no-address' ''
check "2: the language" says 'bad.csv:2: language: en or ja; found: fr' ''
check "2: the role" says 'bad.csv:2: role: master or general; found: boss' ''
check "2: the authority" says 'bad.csv:2: there is no authority nothing.maker' ''
check "2: the account" says 'bad.csv:2: there is no authority acct.999-9' ''
check "2: the password" says 'bad.csv:2: initial login password' ''
check "2: the password isn't shown" says_not '12345' ''
check "2: the certificate" says 'bad.csv:2: certificate: grant, or nothing; found: yes' ''
check "4: the quote" says 'bad.csv:4: a quote is opened and never closed' ''
check "5: twice in the file, in any spelling" says 'bad.csv:5: login ID: d-load0001 is in line 3 already' ''
check "6: somebody who is there, otherwise" says 'bad.csv:6: login ID: d-maker01 is there already.*name mail' ''
check "7: too few fields" says 'bad.csv:7: 2 field' ''
check "8: a stray quote" says 'bad.csv:8: a quote within a field' ''
check "how many, and that nothing was stored" says '14 error.*nothing was stored.*cli-import-wrong' ''
check "nothing was" equals "$(prepared)" 0
import "$work/bad.csv" --yes --json
check "in JSON, with line and code" says '"line": 6,' ''
run env LANG=ja_JP.UTF-8 runuser -u d-master1 -- denshi user import "$work/bad.csv" --yes
check "in Japanese" says 'ユーザ名: 1〜40 文字' ''

printf 'login,nam,mail,mail\n' | sheet head.csv
import "$work/head.csv"
check "a column that isn't one" says 'no column "nam"; allowed: login, name, mail' ''
check "a column twice" says '"mail" is there twice' ''
check "a column that is missing" says '"name" is missing' ''
printf 'login,name,mail\nd-load0001,\xe9\xc4,a@acme.example\n' | sheet latin.csv
import "$work/latin.csv"
check "not UTF-8" says 'latin.csv:2: not UTF-8' ''
: | sheet empty.csv
import "$work/empty.csv"
check "an empty file" says 'there is no user in it' ''
import "$work/nowhere.csv"
check "no file" says 'nowhere.csv: No such file' ''
import /dev/zero
check "no regular file" refused
printf 'login,name,mail,password\nd-load0001,A,a@acme.example,generate\n' | sheet one.csv
import "$work/one.csv" --yes
check "generated passwords need a file" says 'cli-csv-generate' ''
touch "$work/open" && chmod 644 "$work/open" && chown d-master1 "$work/open"
import "$work/one.csv" --yes --passwords "$work/open"
check "which nobody else may read" says 'cli-passwords-unsafe' ''
ln -s /etc/passwd "$work/link" && chown -h d-master1 "$work/link"
import "$work/one.csv" --yes --passwords "$work/link"
check "and is no link" says 'cli-passwords-unsafe' ''
run runuser -u d-maker01 -- denshi user import /dev/null
check "a general user: no" refused
check "nothing was stored by any of these" equals "$(prepared)" 0

# ---- as it should be ----
printf '\xef\xbb\xbflogin,name,mail,role,authorities,accounts,password,certificate\r\n%s\r\n%s\r\n%s\r\n' \
	'd-load0001,"鈴木, ""一郎""",one@acme.example,general,transfer.maker inquiry.use,001-1234567,hatsu1234,grant' \
	'LOAD0002,Two,two@acme.example,,transfer.approver,,,' \
	'd-load0003,Three,three@acme.example,master,,,generate,' | sheet good.csv
import "$work/good.csv" --dry-run --passwords "$work/passwords"
check "--dry-run: what it would do" says '3 users, 1 of them masters; 1 with a certificate grant, 1 without an initial' ''
check "--dry-run: the authorities" says '^transfer.approver +1' ''
check "--dry-run: nothing stored" equals "$(prepared)" 0
check "--dry-run: nothing generated" test ! -e "$work/passwords"
run master user import "$work/good.csv" --yes --passwords "$work/passwords" --password-fd 0 <<<"wrong-00"
check "authorities need the approval password" says 'attempts left: 5' ''
check "without it nothing is stored" equals "$(prepared)" 0
import_approved "$work/good.csv" --passwords "$work/passwords"
check "with it: done" says '^3 users are registered' ''
check "the generated one is in the file, for its owner alone" \
	sh -c "grep -qE '^d-load0003,[a-z0-9]{12}\$' '$work/passwords' && [ \"\$(stat -c '%U %a' '$work/passwords')\" = 'd-master1 600' ]"
run root ldapsearch -LLL -o ldif-wrap=no -s one -b ou=prepared,o=acme '(userPassword=*)' userPassword
check "the directory hashes" sh -c "grep '^userPassword' <<'END' | cut -d' ' -f2 | base64 -d | grep -c 'ARGON2' | grep -qx 1
$out
END"
check "no password is stored as it is" says_not "$(printf 'hatsu1234' | base64)" ''
check "nor in a log" sh -c "! grep -q hatsu1234 '$DENSHI_SANDBOX'/*.log"

# What was approved can't be made into something else by a host.
someone=uid=d-load0002,ou=prepared,o=acme
host_may_not() { out=$(host ldapmodify 2>&1); rc=$?; check "a host may not: $1" refused; }
host_may_not "set the password of an approved one" <<<"dn: $someone
changetype: modify
replace: userPassword
userPassword: backdoor1"
host_may_not "rename it" <<<"dn: $someone
changetype: modrdn
newrdn: uid=d-evil0001
deleteoldrdn: 1"
host_may_not "make it a master" <<<"dn: $someone
changetype: modify
replace: denshiRole
denshiRole: master"
host_may_not "prepare authorities" <<<"dn: uid=d-load0003,ou=prepared,o=acme
changetype: modify
add: denshiAuthority
denshiAuthority: transfer.approver"
run master user change d-load0002 --name Other --yes
check "nor does a command change it" says 'authorities-prepared' ''

import "$work/good.csv" --yes --passwords "$work/passwords"
check "again: all are there" says 'all 3 users are there already' ''
check "nobody twice" equals "$(prepared)" 3
run master user-update --dry-run
check "the update shows the authorities" says 'd-load0002 +Authority +transfer.approver' ''
check "nothing is in force before it" sh -c '! getent passwd d-load0001'
update
check "one user update puts all in force" says '3 change' ''
check "with their authorities" await 5 sh -c 'id d-load0001 | grep -q transfer.maker && id d-load0001 | grep -q acct.001-1234567'
run pamtester denshi d-load0001 authenticate <<<hatsu1234
check "the initial password of the file" done_well
run pamtester denshi d-load0001 acct_mgmt </dev/null
check "which is to be changed" says 'no longer valid' ''
run pamtester denshi d-load0003 authenticate <<<"$(sed -n 's/^d-load0003,//p' "$work/passwords")"
check "the generated one" done_well
run pamtester denshi d-load0002 authenticate <<<""
check "without one: no login" refused
run master unlock d-load0002 --password-fd 0 <<<$'hatsu7777\n'"$approval"
check "until a master gives one" done_well
run pamtester denshi d-load0002 authenticate <<<hatsu7777
check "then there is one" done_well
run master unlock d-load0002 --approval --password-fd 0 <<<$'shonin77\n'"$approval"
check "an approver of the load gets the initial approval password" done_well
run master unlock d-load0001 --approval --password-fd 0 <<<$'shonin77\n'"$approval"
check "a maker doesn't" says 'approval-none' ''

# ---- out, and in again ----
run master user export "$work/out.csv"
check "export" says 'users are in' ''
check "as it came in" grep -qx 'd-load0001,"鈴木, ""一郎""",one@acme.example,,general,inquiry.use transfer.maker,001-1234567,,' \
	<(awk -F, -v OFS=, '{ print }' "$work/out.csv" | sed 's/transfer.maker inquiry.use/inquiry.use transfer.maker/')
check "without secrets" sh -c "! grep -qiE 'argon2|hatsu' '$work/out.csv'"
import "$work/out.csv" --yes
check "and in again: nothing to do" says 'users are there already' ''
run master user export "$work/out.csv"
check "a file that is there isn't overwritten" says 'cli-file-exists' ''

# ---- interrupted at any point ----
many=250
seq -f '%04.0f' $many | awk 'BEGIN { print "login,name,mail,password" }
	{ printf "d-many%s,User %s,u%s@acme.example,%s\n", $1, $1, $1, $1 % 10 ? "" : "generate" }' | sheet many.csv
added() { grep -c 'ADD dn="uid=d-many.*,ou=prepared' "$DENSHI_SANDBOX/slapd.log"; }
stopped=0
for victim in denshi denshid slapd; do
	before=$(added)
	# no `run`: the program itself is to be ended
	setpriv --reuid=d-master1 --regid=d-users --clear-groups denshi user import "$work/many.csv" --yes \
		--passwords "$work/many-passwords" >"$work/log" 2>&1 &
	importing=$!
	for _ in {1..1000}; do
		[ "$(added)" -lt $((before + 20)) ] || break
		sleep 0.002
	done
	case $victim in
	denshi) pid=$importing ;;
	*) pid=$(cat "$DENSHI_SANDBOX/$victim.pid") ;;
	esac
	kill -9 "$pid" 2>/dev/null
	wait $importing 2>/dev/null
	await 10 sh -c "! kill -0 $pid"
	[ "$victim" = denshi ] || sandbox-service start $victim >/dev/null 2>&1
	await 15 sh -c 'runuser -u d-master1 -- denshi status | grep -q reachable'
	n=$(prepared '(uid=d-many*)')
	[ "$n" -ge $many ] || stopped=$((stopped + 1))
done
check "some were ended in the middle ($stopped of 3)" test $stopped -gt 0
import "$work/many.csv" --yes --passwords "$work/many-passwords"
check "the same command goes on" done_well
[ "$n" -ge $many ] || check "and says from where" says "$n of $many users are there already" ''
check "everybody is there once" equals "$(prepared '(uid=d-many*)')" $many
check "and has a password where one was to be made" equals "$(prepared '(&(uid=d-many*)(userPassword=*))')" $((many / 10))
check "which the file knows, each once" \
	equals "$(sed 1d "$work/many-passwords" | cut -d, -f1 | sort -u | wc -l) $(sed 1d "$work/many-passwords" | wc -l)" \
	"$((many / 10)) $((many / 10))"
update
check "one update for all" says "$many change" ''
await 5 getent passwd d-many0250
run pamtester denshi d-many0120 authenticate <<<"$(sed -n 's/^d-many0120,//p' "$work/many-passwords")"
check "a password made before the interruption is right" done_well
summary
