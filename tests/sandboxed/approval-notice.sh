#!/bin/bash
# Approvers are told of a new request by a program of the host's, and at login (R-APP-6): what it is
# given, as whom it runs, and that nothing it does or leaves undone stops an approval. About 15 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
export LANG=C.UTF-8
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/approvals.sh
. "$here/approvals.sh"
folder=/run/denshi/notices
told=/tmp/told

# In place of denshi-notice.path: as the unit runs it, without its walls.
tell() {
	run setpriv --reuid=denshi-notice --regid=denshi-notice --clear-groups --inh-caps=-all \
		timeout 20 /usr/libexec/denshi/denshi-notice
}
hook() { # stdin: its text
	cat >/usr/local/sbin/hook
	chmod 755 /usr/local/sbin/hook
}
waiting() { find $folder -mindepth 1 ! -name '.*' | wc -l; }
set_hook() { # PROGRAM [SECONDS]
	sed -i '/^notice_/d' /etc/denshi/denshi.conf
	printf 'notice_program = "%s";\nnotice_seconds = %s;\n' "$1" "${2:-20}" >>/etc/denshi/denshi.conf
}
restart() {
	sandbox-service stop denshid
	sandbox-service start denshid
}

# ---- none wanted ----
request d-maker01 transfer --subject none
check "without a program nothing is left" equals "$(waiting)" 0

# ---- what it is given ----
second_approver d-appr002 transfer.approver acct.002-7654321
mkdir -m 1777 $told
hook <<'HOOK'
#!/bin/bash
{
	id -un; id -Gn
	env | sort
	echo fds: $(ls /proc/self/fd)
	sed 's/^/approver: /'
} >"/tmp/told/$DENSHI_REQUEST"
HOOK
set_hook /usr/local/sbin/hook
restart
request d-maker01 transfer --account 001-1234567 --subject 'a secret subject' --attach /etc/hostname; first=$id
check "entered" done_well
check "one notice" equals "$(ls $folder)" "$first"
check "for denshi-notice alone" equals "$(stat -c '%U %G %a' "$folder/$first")" "denshi denshi-notice 640"
run cat "$folder/$first"
check "without the subject" says_not 'secret|hostname' ''
tell
check "told" done_well
check "and taken away" equals "$(waiting)" 0
run cat "$told/$first"
for want in '^denshi-notice$' "^DENSHI_REQUEST=$first\$" '^DENSHI_BUSINESS=transfer$' '^DENSHI_ACCOUNT=001-1234567$' \
	'^DENSHI_MAKER=d-maker01$' '^DENSHI_HOST=sandbox.denshi.test$' '^DENSHI_NEED=1$' \
	'^DENSHI_EXPIRES=20[0-9]{12}Z$' '^DENSHI_DIGEST=([0-9a-z]{4}-){3}[0-9a-z]{4}$' '^fds: 0 1 2 3$' \
	'^approver: d-appr001 (en|ja) [^ ]+@[^ ]+$'; do
	check "it is given $want" says "$want" ''
done
check "not who has another account" says_not 'd-appr002' ''
check "nor who may not approve" says_not 'd-plain01|approver: d-maker01' ''
check "and nothing else" equals "$(grep '^[A-Z_]*=' <<<"$out" | grep -cvE '^(PATH|LC_ALL|DENSHI_[A-Z]+|PWD|SHLVL|_)=')" 0
request d-both001 transfer --subject x; tell
run cat "$told/$id"
check "without an account, all approvers of the business" says 'd-appr002' ''
check "but not the maker, where another must decide" says_not 'approver: d-both001' ''
as d-maker01 request transfer --subject x --dry-run >/dev/null 2>&1
check "a dry run tells nobody" equals "$(waiting)" 0
as_master user suspend d-appr002 >/dev/null 2>&1
await 10 sh -c 'denshi user show d-appr002 | grep -q suspended'
request d-maker01 transfer --subject x; tell
run cat "$told/$id"
check "nor is a suspended approver told" says_not 'd-appr002' ''

# ---- at login ----
run pamtester denshi d-appr001 open_session
check "and the login says how many wait" says 'request\(s\) wait for your decision: denshi requests --to-approve' ''

# ---- it isn't right ----
decided() { # WHAT: the last request can be decided all the same
	check "$1: no notice is left over" equals "$(waiting)" 0
	run approve d-appr001 "$id"
	check "$1: the approval goes on" done_well
}
hook <<<$'#!/bin/sh\nexit 3'
request d-maker01 transfer --subject x; tell
check "one that fails is logged" says "request $id: the program failed: status 3" ''
decided "it fails"
set_hook /usr/local/sbin/hook 1
hook <<<$'#!/bin/sh\ntrap "" TERM HUP INT\nsleep 61 &\nsleep 62'
request d-maker01 transfer --subject x
SECONDS=0; tell
check "one that hangs is ended" says "request $id: the program took too long" ''
check "after a second" at_most $SECONDS 5
check "with what it has started" equals "$(pgrep -cu denshi-notice)" 0
decided "it hangs"
rm /usr/local/sbin/hook
request d-maker01 transfer --subject x; tell
check "one that isn't there is logged" says "request $id: .* isn't run: No such file" ''
decided "it is missing"
hook <<<$'#!/bin/sh\n:'; chmod 777 /usr/local/sbin/hook
request d-maker01 transfer --subject x; tell
check "one that others may change isn't run" says "isn't run: others than root" ''
decided "it is anybody's"
run /usr/libexec/denshi/denshi-notice
check "and none is run as root" status_is 2
echo nonsense >$folder/r-nonsense; tell
check "what isn't a notice goes away" equals "$(waiting)" 0
mv $folder $folder.gone
request d-maker01 transfer --subject x
check "no folder for notices: entered all the same" done_well
check "and logged" grep -q "nobody is told of the request $id: its folder" "$DENSHI_SANDBOX/denshid.log"
mv $folder.gone $folder
for n in {1..1000}; do : >"$folder/r-full$n"; done
request d-maker01 transfer --subject x
check "too many: entered all the same" done_well
check "and logged" grep -q "nobody is told of the request $id: too many" "$DENSHI_SANDBOX/denshid.log"
find $folder -name 'r-full*' -delete

# ---- several at a time, and no more ----
set_hook /usr/local/sbin/hook
rm -rf ${told:?}/*
hook <<'HOOK'
#!/bin/bash
: >"/tmp/told/now.$DENSHI_REQUEST"
sleep 0.3
ls /tmp/told | grep -c now >>/tmp/told/together
rm "/tmp/told/now.$DENSHI_REQUEST"
HOOK
for n in {1..9}; do request d-maker01 transfer --subject "$n"; done
tell
check "nine, all told" equals "$(wc -l <$told/together)" 9
check "at most four at a time" at_most "$(sort -n $told/together | tail -n 1)" 4

# ---- by mail ----
# Keeps the mail that sendmail is given, as a mail server's would be.
cat >/usr/sbin/sendmail <<'MAILER'
#!/bin/sh
cat >"/tmp/told/mail.$DENSHI_REQUEST.${3}"
MAILER
chmod 755 /usr/sbin/sendmail
set_hook /usr/share/denshi/examples/notice-mail
request d-maker01 transfer --account 001-1234567 --subject 'a secret subject'; tell
check "the example is sent" done_well
run python3 -c '
import email.policy, glob, sys
for f in glob.glob(sys.argv[1]):
    m = email.message_from_binary_file(open(f, "rb"), policy=email.policy.default)
    print(m["To"], "|", m["Subject"], "|", m.get_content())' "$told/mail.$id.*"
check "to the approver" says '@[a-z0-9.]+ \| denshi: r-' ''
check "with what to do" says "denshi approve $id" ''
check "and nothing that is secret" says_not 'secret' ''
summary
