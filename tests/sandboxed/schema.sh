#!/bin/bash
# sandbox: outside
# The schema: its forms are the same to slapd, its numbers are those of the registry, the
# examples of denshi-schema(5) are entries, other parsers and another server take it.
#
# 389-ds is tried where its package, 389-ds-base, is installed; DENSHI_OTHER_SERVERS=1
# (the CI sets it) makes it a failure where it isn't.
set -u
# The last command of a pipeline runs in this shell: it counts.
shopt -s lastpipe
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
project=$(dirname "$here")
cd "$project" || exit 2
language=en DENSHI_SANDBOX=${DENSHI_SANDBOX:-/nonexistent}
# shellcheck source=tests/checks.sh
. "$here/checks.sh"
made=${B:-build}/ldap-schema source=ldap-schema/denshi.ldif
stock=/etc/ldap/schema
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

# ---- examples ----
# Each is between .Bd and .Ed, and begins with a dn. \e is mdoc's backslash.
examples() { awk '/^\.Bd/ { on = 1; next } /^\.Ed/ { on = 0; print "" } on' man/denshi-schema.5 | sed 's/\\e/\\/g' |
	awk -v RS= -v ORS='\n\n' '/^dn: /'; }
# The entries that they hang below.
branches() {
	local ou
	printf 'dn: o=acme\nobjectClass: organization\no: acme\n\n'
	for ou in policies businesses accounts people prepared published updates requests certificates hosts directories services; do
		printf 'dn: ou=%s,o=acme\nobjectClass: organizationalUnit\nou: %s\n\n' $ou $ou
	done
}
{ branches; examples; } >"$work/tree.ldif"

# ---- OpenLDAP, both forms ----
mkdir "$work/conf" "$work/conf.d" "$work/db" "$work/config.d"
cat >"$work/slapd.conf" <<END
include $stock/core.schema
include $stock/cosine.schema
include $stock/nis.schema
include $stock/inetorgperson.schema
include $made/denshi.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix o=acme
directory $work/db
END
run slapadd -f "$work/slapd.conf" -l "$work/tree.ldif"
check "slapd takes denshi.schema, and each example of denshi-schema(5) is an entry" done_well
check "all were added" equals "$(slapcat -f "$work/slapd.conf" | grep -c '^dn:')" "$(grep -c '^dn:' "$work/tree.ldif")"
run slaptest -f "$work/slapd.conf" -F "$work/conf.d"
check "and makes cn=config of it" done_well
{
	printf 'dn: cn=config\nobjectClass: olcGlobal\ncn: config\n\n'
	printf 'dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n'
	for form in core cosine nis inetorgperson; do cat "$stock/$form.ldif"; echo; done
	cat $source
} >"$work/config.ldif"
run slapadd -n 0 -F "$work/config.d" -l "$work/config.ldif"
check "slapd takes denshi.ldif" done_well
# As slapd keeps them, without the numbers that order them.
kept() { # FOLDER
	slapcat -n 0 -F "$1" | sed -e ':a' -e 'N' -e '$!ba' -e 's/\n //g' |
		awk -v RS= '/^dn: cn=\{[0-9]+\}denshi,/' | sed -nE 's/^(olcAttributeTypes|olcObjectClasses): \{[0-9]+\}/\1 /p' | tr -s ' ' | sort
}
kept "$work/conf.d" >"$work/of-schema"
kept "$work/config.d" >"$work/of-ldif"
run diff "$work/of-schema" "$work/of-ldif"
check "and both say the same" done_well
check "all of it" equals "$(wc -l <"$work/of-ldif")" "$(grep -cE '^olc(AttributeTypes|ObjectClasses):' $source)"

for class in $(sed -nE "s/^olcObjectClasses: .* NAME '([^']+)'.*/\1/p" $source); do
	run grep -x "objectClass: $class" "$work/tree.ldif"
	# The classes of a credential come with a user.
	[ "$class" != denshiCredential ] || run grep -x 'objectClass: denshiUser' "$work/tree.ldif"
	check "an example of $class" done_well
done

# ---- the registry ----
sed -nE "s/^olc(AttributeTypes|ObjectClasses): \( denshi(Attr|Class):([0-9]+) NAME '([^']+)'.*/\2.\3\t\4/p" $source |
	sed 's/^Attr/1/; s/^Class/2/' | sort >"$work/numbers"
run awk '!/^#/ && seen[$1]++ { print $1 } !/^#/ && named[$2]++ { print $2 }' ldap-schema/oids
check "no number is given twice, no name has two" says_nothing
run diff <(awk '!/^(#|3\.)/ && $3 != "retired" { print $1 "\t" $2 }' ldap-schema/oids | sort) "$work/numbers"
check "the registry and the schema agree" done_well
run grep -vE '^(#|[123]\.[1-9][0-9]*	denshi[A-Za-z0-9]+(	retired)?$)' ldap-schema/oids
check "each line of the registry is one" says_nothing

# ---- what is wanted of each definition ----
awk -v form=standard -f ldap-schema/forms.awk $source >"$work/standard.ldif"
run cmp "$work/standard.ldif" "$made/denshi-389.ldif"
check "denshi-389.ldif is of this source" done_well
run grep -vE "^(dn: cn=schema|(attributeTypes|objectClasses): \( 2\.25\.[0-9]+\.[12]\.[0-9]+ NAME 'denshi[A-Za-z]+' DESC '[ -&(-~]+' .* X-ORIGIN 'denshi' \))$" \
	"$work/standard.ldif"
check "each has a number, a name and a description in English" says_nothing
run sh -c "grep ^attributeTypes '$work/standard.ldif' | grep -v ' EQUALITY '"
check "each attribute has a matching rule" says_nothing
# denshiDiff is one line of a record, as long as what it tells.
run sh -c "grep ^attributeTypes '$work/standard.ldif' | grep -E 'SYNTAX 1.3.6.1.4.1.1466.115.121.1.(15|26|40) ' | grep -v denshiDiff"
check "each text and each string of bytes has a length" says_nothing

# ---- another parser ----
run /usr/bin/python3 tests/schema_parse.py "$made/denshi-389.ldif"
check "ldap3's parser takes it, and it hangs together" done_well
check "all of it" equals "$out" "$(grep -c ^attributeTypes "$work/standard.ldif") $(grep -c ^objectClasses "$work/standard.ldif")"

# ---- another server ----
other_server() {
	cat >"$work/389.inf" <<-END
		[general]
		config_version = 2
		full_machine_name = localhost
		selinux = False
		strict_host_checking = False
		[slapd]
		instance_name = denshi
		port = 3890
		root_dn = cn=manager
		root_password = throw-away-1
		self_sign_cert = False
	END
	run "$here/sandbox" --bare --language en -- "$here/other-server" "$work/389.inf" "$made/denshi-389.ldif" "$work/tree.ldif"
	check "389-ds takes the schema and the examples" done_well
	check "all of them" says "$(grep -c '^dn:' "$work/tree.ldif") entries" ''
}
if command -v ns-slapd >/dev/null; then
	other_server
elif [ -n "${DENSHI_OTHER_SERVERS:-}" ]; then
	out='389-ds-base is not installed' rc=1
	check "389-ds is there to be tried" false
fi
summary
