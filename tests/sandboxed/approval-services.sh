#!/bin/bash
# R-APP-3 with the real programs: sudo, su to a service account, sshd, cron, nginx and PostgreSQL demand
# an approval in the account phase, and an approver stands by where there is a terminal. About 40 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
# shellcheck source=tests/approvals.sh
. "$here/approvals.sh"
common_files
user=d-maker01 approver=d-appr001
host=sandbox.denshi.test
demands() { # SERVICE ARGUMENTS...: its account phase begins with a demand: what follows may end it
	local line
	sed -i '/pam_denshi.so.*approve/d' "/etc/pam.d/$1"
	line=$(grep -nE '^(account|@include +common-account)' "/etc/pam.d/$1" | head -n 1 | cut -d: -f1)
	sed -i "${line}i account required pam_denshi.so certificate=off approve business=transfer ${*:2}" "/etc/pam.d/$1"
}
approved() { # USER REQUEST-OPTION...: entered and approved
	request "$1" transfer --subject "for a service" "${@:2}"
	approve_quietly $approver "$id"
}

# ---- sudo ----
echo '%transfer.maker ALL = (root) NOPASSWD: /usr/bin/id' >/etc/sudoers.d/denshi
chmod 440 /etc/sudoers.d/denshi
demands sudo match=host
run runuser -u $user -- sudo -n id -un
check "sudo: refused without an approval" refused
approved $user
run runuser -u $user -- sudo -n id -un
check "sudo: refused with one that isn't bound to the host" refused
check "sudo: and it isn't used up by that" equals "$(state_of "$id")" approved
as $user withdraw "$id" >/dev/null 2>&1
approved $user --for host=other.example
run runuser -u $user -- sudo -n id -un
check "sudo: refused with one for another host" refused
approved $user --for host=$host,service=sudo
run runuser -u $user -- sudo -n id -un
check "sudo: with the right one" says '^root$' ''
check "sudo: which is used" equals "$(state_of "$id")" used
run runuser -u $user -- sudo -n id -un
check "sudo: and serves once" refused
run runuser -u d-both001 -- sudo -n id -un
check "sudo: nobody else's" refused
demands sudo match=host within=2h
approved $user --for host=$host
for k in 1 2 3; do
	run runuser -u $user -- sudo -n id -un
	check "sudo: for two hours, time $k" says '^root$' ''
done
check "sudo: not used up" equals "$(state_of "$id")" approved
as_master authority take $approver transfer.approver --yes >/dev/null 2>&1
await 10 sh -c "! id $approver | grep -q transfer.approver"
run runuser -u $user -- sudo -n id -un
check "sudo: until the approver's authority is taken away" refused
as d-master1 authority give $approver transfer.approver --yes --password-fd 0 \
	<<<"$(approval_of d-master1)"$'\nshoki-9\nshoki-9' >/dev/null 2>&1
await 10 sh -c "id $approver | grep -q transfer.approver"
as $approver passwd --approval --password-fd 0 <<<$'shoki-9\n'"$(approval_of $approver)" >/dev/null 2>&1
run runuser -u $user -- sudo -n id -un
check "sudo: and again when it is given back" says '^root$' ''
suspend $approver
run runuser -u $user -- sudo -n id -un
check "sudo: not while the approver is suspended" refused
resume $approver
sandbox-service stop slapd
run timeout 20 runuser -u $user -- sudo -n id -un
check "sudo: refused while the directory is down" refused
sandbox-service start slapd
await 15 sh -c "runuser -u $user -- denshi status | grep -q reachable"
run sudo -n -u $user id -un
check "root's own sudo is not asked" says "^$user$" ''
demands sudo approver=other nonsense=1
run runuser -u $user -- sudo -n id -un
check "sudo: a mistake in the line refuses" refused
sed -i '/pam_denshi.so.*approve/d' /etc/pam.d/sudo

# ---- su to a service account, by who asks ----
useradd --system --shell /bin/sh ledger
sed -i '1i auth sufficient pam_succeed_if.so quiet ruser ingroup transfer.maker user = ledger' /etc/pam.d/su
demands su of=ruser match=user,ruser
run runuser -u $user -- su ledger -c 'id -un'
check "su: refused without an approval" refused
check "su: and says how to get one" says "denshi request transfer --for user=ledger,ruser=$user" ''
for other in user=root,ruser=$user user=ledger,ruser=root user=ledger; do
	approved $user --for $other
	run runuser -u $user -- su ledger -c 'id -un'
	check "su: refused with one for $other" refused
done
approved $user --for user=ledger,ruser=$user
run runuser -u $user -- su ledger -c 'id -un'
check "su: with the right one" says '^ledger$' ''
run runuser -u $user -- su ledger -c 'id -un'
check "su: once" refused
run su ledger -c 'id -un'
check "su: root isn't asked" says '^ledger$' ''

# ---- an approver stands by ----
demands su of=ruser prompt match=user,tty
before=$(as $user requests --mine --json | grep -c '"id"')
answers 'stands by: $' $approver 'Approval password: $' "$(approval_of $approver)"
converse runuser -u $user -- su ledger -c 'id -un'
check "prompt: an approver stands by" says 'ledger' ''
check "prompt: which is a request and a decision like any other" equals \
	"$(as $user requests --mine --json | grep -c '"id"')" $((before + 1))
check "prompt: used" equals "$(as $user requests --mine --json | grep -c '"service=su"')" 1
answers 'stands by: $' $approver 'Approval password: $' wrong-1
converse runuser -u $user -- su ledger -c 'id -un'
check "prompt: a wrong password" says 'approval-wrong' ''
check "prompt: leaves no request" equals "$(as $user requests --mine --json | grep -c '"id"')" $((before + 1))
answers 'stands by: $' $approver 'Approval password: $' "$(login_of $approver)"
converse runuser -u $user -- su ledger -c 'id -un'
check "prompt: the login password is none" refused
answers 'stands by: $' d-both001 'Approval password: $' "$(approval_of d-both001)"
converse runuser -u d-both001 -- su ledger -c 'id -un'
check "prompt: not by oneself" says 'self-approval' ''
answers 'stands by: $' d-plain01 'Approval password: $' x1
converse runuser -u $user -- su ledger -c 'id -un'
check "prompt: not by who isn't approver" says 'authority-needed' ''
answers 'stands by: $' d-nobody1 'Approval password: $' x1
converse runuser -u $user -- su ledger -c 'id -un'
check "prompt: nor by nobody" says 'login-unknown' ''
run runuser -u $user -- su ledger -c 'id -un' </dev/null
check "prompt: without a terminal it refuses, at once" refused
sed -i '/pam_denshi.so.*approve/d; /ruser ingroup/d' /etc/pam.d/su

# ---- sshd: a maintenance login, approved beforehand, for two hours, for one host ----
demands sshd match=host,rhost within=2h
ssh_as() {
	answers "$ask_password" "$(login_of $user)"
	converse ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o IdentitiesOnly=yes \
		-o ConnectTimeout=5 -o NumberOfPasswordPrompts=1 -i "$DENSHI_SANDBOX/certs/$user.pem" $user@127.0.0.1 id -un
}
ssh_as
check "sshd: refused without an approval" refused
approved $user --for host=$host,rhost=10.9.9.9
ssh_as
check "sshd: refused with one for another place" refused
approved $user --for host=$host,rhost=127.0.0.1
ssh_as
check "sshd: in, with the right one" says '^d-maker01' ''
ssh_as
check "sshd: for two hours" says '^d-maker01' ''
sed -i '/pam_denshi.so.*approve/d' /etc/pam.d/sshd

# ---- cron ----
demands cron match=service
mkdir -m 1777 /tmp/jobs
crond() {
	rm -f /run/crond.* /var/run/crond.* /tmp/jobs/*
	printf '@reboot %s id -un >/tmp/jobs/%s\n' $user $user root root >/etc/cron.d/denshi
	/usr/sbin/cron -f >>"$DENSHI_SANDBOX/cron.log" 2>&1 </dev/null &
	await 10 test -s /tmp/jobs/root
	sleep 1
	kill $!
}
crond
check "cron: no job without an approval" test ! -e /tmp/jobs/$user
approved $user --for service=cron
crond
check "cron: with one" grep -qx $user /tmp/jobs/$user
crond
check "cron: once" test ! -e /tmp/jobs/$user

# ---- nginx and PostgreSQL: their workers aren't root ----
cp /usr/share/denshi/pam.d/nginx.example /etc/pam.d/nginx
cp /usr/share/denshi/pam.d/postgresql.example /etc/pam.d/postgresql
demands nginx match=service
demands postgresql match=service within=30m
start_nginx <<END
server { listen 127.0.0.1:8080; root /run/www; auth_pam "denshi"; auth_pam_service_name "nginx"; }
END
await 10 curl -s http://127.0.0.1:8080/index.html
web() { curl -s -o /dev/null -w '%{http_code}' --user "$user:$(login_of $user)" http://127.0.0.1:8080/index.html; }
approved $user --for service=nginx
run web
check "nginx: its workers may not use approvals unasked" says_not 200 ''
check "nginx: nothing was used" equals "$(state_of "$id")" approved
echo 'approval_services = "www-data postgres";' >>/etc/denshi/denshi.conf
sandbox-service stop denshid
sandbox-service start denshid
await 10 sh -c "runuser -u $user -- denshi status | grep -q reachable"
run web
check "nginx: but where the host's configuration says so" says 200 ''
run web
check "nginx: once" says_not 200 ''
kill $nginx
bin=$(echo /usr/lib/postgresql/*/bin) data=/run/pg
install -d -m 700 -o postgres -g postgres $data
as_server() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
as_server "$bin/initdb" -D $data/db -A peer --no-sync >$data.log 2>&1
printf 'local all postgres peer\nhost all all 127.0.0.1/32 pam pamservice=postgresql\n' >$data/db/pg_hba.conf
setpriv --reuid=postgres --regid=postgres --clear-groups "$bin/postgres" -D $data/db -k $data -h 127.0.0.1 -p 5499 -F \
	>>$data.log 2>&1 </dev/null &
server=$!
admin() { as_server "$bin/psql" -h $data -p 5499 -d postgres -qAt -c "$1"; }
await 20 admin 'select 1'
admin "create role \"$user\" login"
ask() {
	run env PGPASSWORD="$(login_of $user)" PGCONNECT_TIMEOUT=10 "$bin/psql" -h 127.0.0.1 -p 5499 -U $user -d postgres -qAt \
		-P pager=off -c "select current_user"
}
ask
check "PostgreSQL: refused without an approval" refused
approved $user --for service=postgresql
ask
check "PostgreSQL: in, with one" says '^d-maker01$' ''
ask
check "PostgreSQL: for half an hour" says '^d-maker01$' ''
kill -QUIT $server
await 10 sh -c "! kill -0 $server"
echo 'approval_services = "nobody-here";' >>/etc/denshi/denshi.conf
run denshid --foreground
check "an unknown user in the configuration: denshid doesn't start" refused
summary
