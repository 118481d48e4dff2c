# slots.awk - what slapo-auditlog wrote about one credential's slots, a line a round:
#   ROUND reserved N cleared N bad N, with tabs
# A round begins where root clears the slots; one of plain binds alone is none: root's own between
# the rounds. `bad` counts what must never happen: a slot taken or freed by anybody but slapd's own
# guard, or freed twice, or one that a right password didn't see when it reserved its own: it sees
# those below its own, for slots are taken in order, and its own. (Where several have the right
# password, just the former two.)
# usage: awk -v DN=DN -f slots.awk LOG
BEGIN { GUARD = "^cn=denshi-guard,ou=services," }
function begin_round() {
	if (rounds++)
		end_round()
	delete added; delete cleared; delete by_right
	reserved = freed = bad = rights = plain = 0
}
function end_round(   token, k, n) {
	if (plain && plain == reserved) {
		rounds--
		return
	}
	for (token in cleared)
		if (!(token in added) || cleared[token] > 1)
			bad++
	if (rights == 1 && freed) {
		for (token in by_right)
			n = substr(token, 1, 1) + 0
		for (token in cleared)
			if (substr(token, 1, 1) + 0 > n)
				bad++
		if (freed != n)
			bad++
	}
	printf "%d\treserved\t%d\tcleared\t%d\tbad\t%d\n", rounds - 1, reserved, freed, bad
}
/^# modify / { who = $5; dn = ""; op = ""; slots = 0; next }
/^# end modify/ { op = ""; next }
/^dn: / { dn = substr($0, 5); next }
dn != DN { next }
/^(add|delete|replace): / {
	op = $1
	if (op != "replace:" || $2 !~ /^denshiAttempt/)
		next
	if (who !~ /^gidNumber=0\+uidNumber=0,/)
		bad++
	else if ($2 == "denshiAttempt")
		begin_round()
	next
}
op == "add:" && $1 == "denshiAttempt:" { reserved++; if (who !~ GUARD || $2 == 7) bad++ }
op == "add:" && $1 == "denshiAttemptRecord:" {
	added[$2] = 1
	plain += $5 == "ldap"
	if ($5 == "right") { rights++; by_right[$2] = 1 }
}
op == "delete:" && $1 == "denshiAttempt:" { freed++; if (who !~ GUARD || $2 == 7) bad++ }
op == "delete:" && $1 == "denshiAttemptRecord:" { cleared[$2]++; if (who !~ GUARD) bad++ }
END { if (rounds++) end_round() }
