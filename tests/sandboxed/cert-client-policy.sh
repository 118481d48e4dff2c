#!/bin/bash
# denshi client-policy (R-PREP-1): each form is read by what it is for, or by a reader of its format. 5 s.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
language=en
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
policy() { run denshi client-policy "$@"; }
# value JSON-FILE EXPRESSION: of the object p
value() { python3 -c 'import json, sys; p = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$@"; }
sites='ledger.acme.example https://pay.acme.example:8443/ [*.]branch.acme.example'
f=$DENSHI_SANDBOX/policy

# shellcheck disable=SC2086
policy --browser chromium $sites
check "chromium" done_well
echo "$out" >"$f"
check "cookies of the three" equals "$(value "$f" '" ".join(p["CookiesAllowedForUrls"])')" \
	'https://ledger.acme.example https://pay.acme.example:8443 https://[*.]branch.acme.example'
check "TLS 1.2 or newer" equals "$(value "$f" 'p["SSLVersionMin"]')" tls1.2
check "the certificate is chosen by its issuer" equals \
	"$(value "$f" '[json.loads(c)["filter"]["ISSUER"]["CN"] + " " + json.loads(c)["pattern"] for c in p["AutoSelectCertificateForUrls"]][1]')" \
	'acme denshi CA https://pay.acme.example:8443'

# shellcheck disable=SC2086
policy --browser firefox $sites
echo "$out" >"$f"
check "firefox: cookies" equals "$(value "$f" 'len(p["policies"]["Cookies"]["Allow"])')" 3
check "firefox: the certificate is chosen by itself" equals \
	"$(value "$f" 'p["policies"]["Preferences"]["security.default_personal_cert"]["Value"]')" 'Select Automatically'
check "firefox: TLS 1.2 or newer" equals "$(value "$f" 'p["policies"]["SSLVersionMin"]')" tls1.2

policy --browser edge --ie-mode https://intra.acme.example/sites.xml ledger.acme.example
check "edge: what regedit takes" equals "${out%%$'\r'*}" 'Windows Registry Editor Version 5.00'
check "edge: every line ends as on Windows" equals "$(grep -vc $'\r$' <<<"$out")" 0
check "edge: a list is a key" says '^\[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Edge\\CookiesAllowedForUrls\]' ''
check "edge: its choice is escaped" says '"1"="\{\\"pattern\\":\\"https://ledger.acme.example\\",' ''
check "edge: IE mode" says '"InternetExplorerIntegrationLevel"=dword:00000001' ''
check "edge: a trusted site" says '"https://ledger.acme.example"="2"' ''
policy --browser edge --format json ledger.acme.example
check "edge: no IE mode unless asked" says_not InternetExplorer InternetExplorer
policy --browser edge --format ie-sites ledger.acme.example
echo "$out" >"$f"
check "edge: the list of sites is XML" equals \
	"$(python3 -c 'import sys, xml.etree.ElementTree as t; print(t.parse(sys.argv[1]).find("site").get("url"))' "$f")" ledger.acme.example

for bad in 'http://a.example' 'a.example/path' 'a"b.example' '' '-x.example' 'a.example:0' 'a.example:99999' '[*.]' 'a b'; do
	policy --browser chromium -- "$bad"
	check "refused: '$bad'" refused
done
policy --browser opera a.example
check "another browser: which there are" says 'edge.*chromium.*firefox' ''
policy --browser firefox --format reg a.example
check "another form: refused" refused
policy --browser firefox --ie-mode https://x.example/ a.example
check "IE mode is Edge's" refused
policy --browser chromium --ca /nowhere a.example
check "without the CA's certificate: told where it is" says 'ca.pem|/nowhere' ''
# Whatever denshid does.
sandbox-service stop denshid
policy --browser chromium a.example
check "needs no denshid" done_well
summary
