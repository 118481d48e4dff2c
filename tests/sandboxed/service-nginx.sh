#!/bin/bash
# nginx with auth_pam: its workers aren't root, each request authenticates anew, and every
# question is answered with the one password of the request.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
user=d-maker01
dn="uid=$user,$people"
cp /usr/share/denshi/pam.d/nginx.example /etc/pam.d/nginx
sed 's/certificate=off/certificate=on-record/' /etc/pam.d/nginx >/etc/pam.d/nginx-tls
start_nginx <<EOF
server {
	listen 127.0.0.1:8080;
	root /run/www;
	auth_pam "denshi";
	auth_pam_service_name "nginx";
}
server {
	listen 127.0.0.1:8443 ssl;
	root /run/www;
	ssl_certificate $DENSHI_SANDBOX/www.crt;
	ssl_certificate_key $DENSHI_SANDBOX/www.key;
	ssl_client_certificate /var/lib/denshi-server/ca/ca.pem;
	ssl_verify_client on;
	set \$wanted "CN=\$remote_user,O=acme";
	if (\$ssl_client_s_dn != \$wanted) { return 403; }
	auth_pam "denshi";
	auth_pam_service_name "nginx-tls";
}
EOF
await 10 curl -s http://127.0.0.1:8080/index.html

status_of() { # USER PASSWORD [CURL-OPTION...]: the answers' codes
	curl -s -o /dev/null -w '%{http_code}\n' --user "$1:$2" "${@:3}" http://127.0.0.1:8080/index.html
}
page_load() { # USER PASSWORD: 30 requests at once, how many got which code
	local k
	for k in {1..30}; do status_of "$1" "$2" & done | sort | uniq -c | awk '{ print $2 "=" $1 }'
}
check "the right password: 200" equals "$(status_of $user "$(login_of $user)")" 200
check "none: 401" equals "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/)" 401
before=$(binds_of "$dn")
check "a page load with the right one: 30 times 200" equals "$(page_load $user "$(login_of $user)")" 200=30
out=$(($(binds_of "$dn") - before))
check "each of them evaluated" equals "$out" 30
before=$(binds_of "$dn")
check "a page load with a stale one: 30 times 401" equals "$(page_load $user furui-pass-0)" 401=30
check "one was evaluated" equals $(($(binds_of "$dn") - before)) 1
check "and one attempt taken, not six" equals "$(taken $user)" 1
check "another wrong one is another attempt" equals "$(status_of $user furui-pass-1) $(taken $user)" "401 2"
check "the right one is let in, at once" equals "$(status_of $user "$(login_of $user)")" 200
check "and the count is zero" equals "$(taken $user)" 0
check "a name that nobody has: 401" equals "$(status_of d-nobody1 x)" 401
check "a user of the machine's own is nobody here" equals "$(status_of root x)" 401

# ---- TLS: the certificate that nginx has verified, then the password ----
tls_status() { # CERTIFICATE-OF USER PASSWORD
	curl -sk -o /dev/null -w '%{http_code}' --cert "$DENSHI_SANDBOX/certs/$1.pem.crt" --key "$DENSHI_SANDBOX/certs/$1.pem" \
		--user "$2:$3" https://127.0.0.1:8443/index.html
}
check "their certificate, then their password: 200" equals "$(tls_status $user $user "$(login_of $user)")" 200
check "no certificate: 400" equals \
	"$(curl -sk -o /dev/null -w '%{http_code}' --user "$user:$(login_of $user)" https://127.0.0.1:8443/index.html)" 400
before=$(binds_of "$dn")
check "somebody else's: 403" equals "$(tls_status d-appr001 $user "$(login_of $user)")" 403
check "and no password was evaluated" equals "$(binds_of "$dn")" "$before"
as_master cert revoke d-plain01 --reason lost >/dev/null
before=$(binds_of "uid=d-plain01,$people")
check "a revoked one: refused" equals "$(tls_status d-plain01 d-plain01 "$(login_of d-plain01)")" 401
check "and no password was evaluated" equals "$(binds_of "uid=d-plain01,$people")" "$before"
check "a wrong password counts" equals "$(tls_status $user $user furui-pass-2) $(taken $user)" "401 1"
clear_attempts $user

new_user d-first01
check "the initial password opens nothing here" equals "$(status_of d-first01 hatsu1234)" 401
check "and counts nothing" equals "$(taken d-first01)" 0
suspend d-plain01
check "a suspended user: refused" equals "$(status_of d-plain01 "$(login_of d-plain01)")" 401
sandbox-service stop denshid
check "denshid down: refused" at_most 401 "$(status_of $user "$(login_of $user)")"
kill $nginx
summary
