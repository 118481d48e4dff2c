# The schema, denshi.ldif, in other forms:
#   awk -v form=openldap -f forms.awk denshi.ldif >denshi.schema      for slapd.conf(5)
#   awk -v form=standard -f forms.awk denshi.ldif >denshi-389.ldif    as RFC 4512 has it, OIDs in
#                                                    full: for 389-ds (its folder schema/) and others
function oid(word,    part) {
	split(word, part, ":")
	if (part[1] in macros)
		return macros[part[1]] (part[2] == "" ? "" : "." part[2])
	return word
}
function end_value(    name, value, words) {
	if (line == "")
		return
	name = tolower(substr(line, 1, index(line, ":") - 1))
	value = substr(line, index(line, ": ") + 2)
	line = ""
	if (name == "olcobjectidentifier") {
		split(value, words, " ")
		macros[words[1]] = oid(words[2])
		if (form == "openldap")
			print "objectidentifier " value
	} else if (name == "olcattributetypes" || name == "olcobjectclasses") {
		if (form == "openldap") {
			print (name == "olcattributetypes" ? "attributetype " : "objectclass ") lines
		} else {
			split(value, words, " ")
			sub(/\( [^ ]+/, "( " oid(words[2]), value)
			sub(/ \)$/, " X-ORIGIN 'denshi' )", value)
			print (name == "olcattributetypes" ? "attributeTypes: " : "objectClasses: ") value
		}
	}
}
BEGIN {
	if (form != "openldap" && form != "standard") {
		print "forms.awk: form=openldap or form=standard" >"/dev/stderr"
		exit 2
	}
	if (form == "standard")
		print "dn: cn=schema"
}
/^#/ {
	end_value()
	if (form == "openldap")
		print
	next
}
/^ / {
	line = line substr($0, 2)
	lines = lines "\n" $0
	next
}
{
	end_value()
	line = $0
	lines = substr($0, index($0, ": ") + 2)
}
END { end_value() }
