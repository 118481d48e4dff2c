#!/bin/bash
# What people have takes the certificate (R-CERT-2): OpenSSL, GnuTLS's certtool, NSS's pk12util, Java's
# keytool; curl by the PEM pair; ssh; Chromium. PKCS#12 is AES-256 with PBKDF2 and HMAC-SHA256. 20 s.
# keytool and Chromium are tried where they are installed; DENSHI_BROWSERS=1 (the CI sets it) makes
# their absence a failure.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
# shellcheck source=tests/services.sh
. "$here/services.sh"
work=$DENSHI_SANDBOX/programs
mkdir "$work"
pin=chikuwa7
ca=/var/lib/denshi/ca.pem

# ---- one with RSA, one with EC ----
new_user d-rsauser1
runuser -u d-master1 -- denshi cert grant d-rsauser1 d-maker01 --yes >/dev/null
as_master user-update --yes >/dev/null
get() { # USER PASSWORD [OPTION...]
	(cd "$work" && denshi cert get --login "$1" --output "$1.p12" --pem "$1.pem" "${@:3}" --password-fd 3 --pin-fd 4 \
		3<<<"$2" 4<<<$pin 2>&1)
}
run get d-rsauser1 hatsu1234 --rsa
check "an RSA one" done_well
check "what to do next: browsers, ssh, curl" says 'browsers.*' ''
run get d-maker01 "$(login_of d-maker01)"
check "an EC one" done_well
printf %s "$pin" >"$work/pin"

for u in d-maker01 d-rsauser1; do
	p12=$work/$u.p12
	# ---- OpenSSL, which also tells what is in it ----
	run openssl pkcs12 -in "$p12" -passin pass:$pin -info -noout
	check "$u: openssl reads it" done_well
	check "$u: key and certificates under AES-256, PBKDF2 with HMAC-SHA256" equals \
		"$(grep -c 'PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256' <<<"$out")" 2
	check "$u: the MAC is SHA-256" says 'MAC: sha256' ''
	run openssl pkcs12 -in "$p12" -passin pass:falsch -noout
	check "$u: openssl, wrong PIN" refused
	run openssl verify -CAfile $ca -CRLfile /var/lib/denshi/crl.pem -crl_check -purpose sslclient "$work/$u.pem.crt"
	check "$u: openssl verifies chain, list and purpose" done_well
	# ---- GnuTLS ----
	run certtool --p12-info --inder --infile "$p12" --password $pin
	check "$u: certtool reads it" says "friendly.*|Friendly.*denshi $u|denshi $u" ''
	check "$u: with its key" says 'BEGIN.*PRIVATE KEY' ''
	run certtool --verify --load-ca-certificate $ca --load-crl /var/lib/denshi/crl.pem --infile "$work/$u.pem.crt"
	check "$u: certtool verifies it" says 'Verified|trusted' ''
	# ---- NSS: Firefox and Chromium ----
	db=$work/nss.$u
	mkdir "$db"
	certutil -N -d "sql:$db" --empty-password
	run pk12util -i "$p12" -d "sql:$db" -W $pin
	check "$u: pk12util imports it" says 'IMPORT SUCCESSFUL' ''
	run certutil -K -d "sql:$db"
	check "$u: the key is in the database" says "denshi $u" ''
	# ---- Java ----
	if command -v keytool >/dev/null; then
		run keytool -list -v -storetype PKCS12 -keystore "$p12" -storepass $pin
		check "$u: keytool reads it" says 'PrivateKeyEntry' ''
		check "$u: with the CA's certificate" says 'chain length: 2' ''
	else
		check "keytool isn't here, and isn't wanted" test -z "${DENSHI_BROWSERS:-}"
	fi
	# ---- ssh's forms ----
	check "$u: ssh's public key is the certificate's" equals "$(cut -d' ' -f1,2 "$work/$u.pem.pub")" \
		"$(ssh-keygen -y -f "$work/$u.pem" | cut -d' ' -f1,2)"
	check "$u: and what sshd is told" equals "$(/usr/libexec/denshi/denshi-ssh-keys $u | cut -d' ' -f1,2)" \
		"$(cut -d' ' -f1,2 "$work/$u.pem.pub")"
	check "$u: the key is its owner's alone" equals "$(stat -c %a "$work/$u.pem" "$p12" | xargs)" "600 600"
done
run openssl x509 -in "$work/d-maker01.pem.crt" -noout -subject -ext extendedKeyUsage -enddate -serial
check "subject: organisation and login ID" says 'O = acme, CN = d-maker01' ''
check "for client authentication" says 'TLS Web Client Authentication' ''
check "a year" test $((($(date -d "$(sed -n 's/^notAfter=//p' <<<"$out")" +%s) - $(date +%s)) / 86400)) -ge 364

# ---- curl and nginx: mutual TLS with the list, then the password by auth_pam ----
sed 's/certificate=off/certificate=on-record/' /usr/share/denshi/pam.d/nginx.example >/etc/pam.d/nginx
start_nginx <<CONF
server {
	listen 127.0.0.1:8443 ssl;
	root /run/www;
	ssl_certificate $DENSHI_SANDBOX/www.crt;
	ssl_certificate_key $DENSHI_SANDBOX/www.key;
	ssl_protocols TLSv1.2 TLSv1.3;
	ssl_client_certificate $ca;
	ssl_crl /var/lib/denshi/crl.pem;
	ssl_verify_client on;
	set \$wanted "CN=\$remote_user,O=acme";
	location / {
		if (\$remote_user = "") { set \$wanted \$ssl_client_s_dn; }
		if (\$ssl_client_s_dn != \$wanted) { return 403; }
		auth_pam "denshi";
		auth_pam_service_name "nginx";
	}
}
CONF
echo '<h1>General ledger</h1><p>You are in: certificate, then password.' >/run/www/index.html
page() { # CERTIFICATE-OF USER PASSWORD [OPTION...]
	curl -s -o /dev/null -w '%{http_code}' --cacert "$DENSHI_SANDBOX/www.crt" --cert "$work/$1.pem.crt" --key "$work/$1.pem" --user "$2:$3" "${@:4}" \
		https://localhost:8443/index.html
}
password=$(login_of d-maker01)
check "nginx answers" await 10 page d-maker01 d-maker01 "$password"
check "curl: certificate, then password" equals "$(page d-maker01 d-maker01 "$password")" 200
check "curl: by TLS 1.2 as well" equals "$(page d-maker01 d-maker01 "$password" --tls-max 1.2)" 200
check "curl: the PKCS#12 file itself" equals "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$DENSHI_SANDBOX/www.crt" --cert-type P12 \
	--cert "$work/d-maker01.p12:$pin" --user "d-maker01:$password" https://localhost:8443/index.html)" 200
check "curl: a wrong password" equals "$(page d-maker01 d-maker01 furui-pass-0)" 401
check "curl: another one's certificate" equals "$(page d-rsauser1 d-maker01 "$password")" 403
check "curl: the one that was replaced" equals "$(curl -sk -o /dev/null -w '%{http_code}' --cert "$DENSHI_SANDBOX/certs/d-maker01.pem.crt" \
	--key "$DENSHI_SANDBOX/certs/d-maker01.pem" --user "d-maker01:$password" https://localhost:8443/)" 400

# ---- a browser, prepared by denshi client-policy: the manual's order ----
if command -v chromium >/dev/null; then
	export HOME=$work/home
	mkdir -p "$HOME/.pki/nssdb" /etc/chromium/policies/managed
	certutil -N -d "sql:$HOME/.pki/nssdb" --empty-password
	pk12util -i "$work/d-maker01.p12" -d "sql:$HOME/.pki/nssdb" -W $pin >/dev/null
	denshi client-policy --browser chromium localhost:8443 >/etc/chromium/policies/managed/denshi.json
	export BROWSER_LOG=$work/browser.log
	browser() { run timeout 60 python3 "$here/browser.py" "$work/profile" "$@"; }
	browser chrome://policy --until 'acme denshi CA' --shot "$work/policy.png"
	check "Chromium: the policies are loaded" says 'AutoSelectCertificateForUrls' ''
	check "Chromium: with the issuer" says 'acme denshi CA' ''
	check "Chromium: none is in error" says_not 'Error, Ignored' 'Error, Ignored'
	browser https://localhost:8443/index.html d-maker01 "$password" --until 'You are in' --shot "$work/in.png"
	check "Chromium: certificate without a question, then the password: in" says 'General ledger' ''
	browser https://localhost:8443/index.html d-maker01 furui-pass-1 --until 401
	check "Chromium: a wrong password" says 401 ''
	run as_master cert revoke d-maker01 --reason lost
	check "it is revoked" done_well
	check "and on the list" await 10 listed "$(serial_of "$work/d-maker01.pem.crt")"
	kill -HUP $nginx
	gone() { [ "$(page d-maker01 d-maker01 "$password")" = 400 ]; }
	check "which nginx heeds, told to read it" await 10 gone
	browser https://localhost:8443/index.html d-maker01 "$password" --until '400|SSL' --shot "$work/revoked.png"
	check "Chromium: revoked: nginx refuses the certificate" says 'SSL certificate error|400' ''
	check "Chromium: and the page isn't shown" says_not 'General ledger' 'General ledger'
else
	check "Chromium isn't here, and isn't wanted" test -z "${DENSHI_BROWSERS:-}"
fi
kill $nginx
summary
