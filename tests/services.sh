# services.sh - for tests of real services; sourced after checks.sh. Debian's common-* files
# get denshi's profile, as installing the package would do it.
# shellcheck shell=bash disable=SC2034
talk=$(mktemp)
export LANG=C.UTF-8

common_files() {
	pam-auth-update --package --enable denshi >"$DENSHI_SANDBOX/pam-auth-update.log" 2>&1
	# The kernel's audit isn't in the sandbox.
	sed -i -E 's/^session +required +pam_loginuid.so/session optional pam_loginuid.so/' /etc/pam.d/*
	echo 'session optional pam_mkhomedir.so umask=0077' >>/etc/pam.d/common-session
}

answers() { # PATTERN ANSWER...: for converse
	: >"$talk"
	while [ $# -gt 1 ]; do
		printf '%s\t%s\n' "$1" "$2" >>"$talk"
		shift 2
	done
}
converse() { # COMMAND...: on a terminal, answering as told
	out=$("$here/dialogue" "$talk" "$@" 2>&1 | tr -d '\r'; exit "${PIPESTATUS[0]}")
	rc=$?
}

people=ou=people,o=acme
taken() { # USER: slots
	ldapsearch -LLL -Q -Y EXTERNAL -H "$DENSHI_LDAP_URI" -s base -b "uid=$1,$people" denshiAttempt |
		grep -c '^denshiAttempt:'
}
as_master() { # ARGS...: denshi, with the approval password
	runuser -u d-master1 -- denshi "$@" --password-fd 0 <<<"$(approval_of d-master1)" 2>&1
}
suspend() { # USER: until denshid here knows
	as_master user suspend "$1" >/dev/null
	# shellcheck disable=SC2016
	await 10 sh -c '! pamtester denshi "$1" acct_mgmt' - "$1"
}
resume() { # USER
	as_master user resume "$1" >/dev/null
	await 10 pamtester denshi "$1" acct_mgmt
}
# backdate DN DAYS: its password was changed so long ago. Nobody may do that to a running directory.
backdate() {
	sandbox-service stop slapd
	setpriv --reuid=openldap --regid=openldap --clear-groups slapmodify -w -b o=acme \
		-F /var/lib/denshi-server/directory/config >>"$DENSHI_SANDBOX/slapmodify.log" 2>&1 <<-EOF
		dn: $1
		changetype: modify
		replace: pwdChangedTime
		pwdChangedTime: $(date -u -d "$2 days ago" +%Y%m%d%H%M%SZ)
	EOF
	sandbox-service start slapd
	await 10 sh -c "pamtester denshi d-master1 acct_mgmt"
}
clear_attempts() { # USER: by logging in
	pamtester denshi "$1" authenticate <<<"$(login_of "$1")" >/dev/null 2>&1
}

# A certificate file's serial number, and whether the list on this host has it; with its reason.
serial_of() { openssl x509 -in "$1" -noout -serial | sed 's/^serial=0*//'; } # FILE
listed() { # SERIAL
	openssl crl -in /var/lib/denshi/crl.pem -noout -text | grep -i -A 6 "Serial Number: 0*$1"
}

# nginx with these servers on stdin and a page of its own; its process is $nginx. Their certificate
# is $DENSHI_SANDBOX/www.crt, with its key in www.key.
start_nginx() {
	mkdir -p /run/www
	echo ledger >/run/www/index.html
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$DENSHI_SANDBOX/www.key" \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost -out "$DENSHI_SANDBOX/www.crt" 2>/dev/null
	{
		cat <<-CONF
			load_module modules/ngx_http_auth_pam_module.so;
			user www-data;
			worker_processes 4;
			pid /run/nginx.pid;
			error_log $DENSHI_SANDBOX/nginx.log;
			events { worker_connections 64; }
			http {
				access_log off;
		CONF
		cat
		echo '}'
	} >"$DENSHI_SANDBOX/nginx.conf"
	nginx -c "$DENSHI_SANDBOX/nginx.conf" -g 'daemon off;' >>"$DENSHI_SANDBOX/nginx.log" 2>&1 </dev/null &
	nginx=$!
}
# One that asks for a certificate of the CA and the list, and for no password.
start_nginx_for_holders() { # CA LIST
	start_nginx <<-CONF
		server {
			listen 127.0.0.1:8443 ssl;
			root /run/www;
			ssl_certificate $DENSHI_SANDBOX/www.crt;
			ssl_certificate_key $DENSHI_SANDBOX/www.key;
			ssl_client_certificate $1;
			ssl_crl $2;
			ssl_verify_client on;
		}
	CONF
}
page() { curl -sk -o /dev/null -w '%{http_code}' --cert "$1.crt" --key "$1" https://127.0.0.1:8443/index.html; } # PEM

# A user in force with the initial password hatsu1234.
new_user() { # ID
	runuser -u d-master1 -- denshi user create "$1" --name New --mail new@acme.example --password-fd 0 --yes \
		<<<hatsu1234 >/dev/null 2>&1
	as_master user-update --yes >/dev/null
	await 10 getent passwd "$1"
}

ask_password='Login password: $'
ask_current='Current login password: $'
ask_new='New login password: $'
ask_again='New login password again: $'
