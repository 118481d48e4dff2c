# Makes the table of bench/run. Usage: awk -v TSV=results.tsv -f table.awk rows samples.tsv
# samples: PASS TAB SERIES TAB OP TAB VALUE

function median(list,   v, m, i, j, t) {
	m = split(list, v, " ")
	for (i = 2; i <= m; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	return m % 2 ? v[(m + 1) / 2] : m ? (v[m / 2] + v[m / 2 + 1]) / 2 : ""
}
function add(pass, what, value) {
	at[pass, what] = value
	all[what] = all[what] " " value
}
# Quotients of what was measured side by side, in the same turn.
function quotients(a, b,   pass, list) {
	for (pass in passes)
		if ((pass, a) in at && at[pass, b] + 0 > 0)
			list = list " " at[pass, a] / at[pass, b]
	return list
}
function number(x, unit) {
	if (x == "") return "-"
	if (unit == "") return sprintf("%d", x)
	return sprintf(x + 0 >= 100 ? "%.0f %s" : x + 0 >= 10 ? "%.1f %s" : unit == "us" ? "%.3f %s" : "%.2f %s", x, unit)
}
function ratio(x) { return x == "" ? "-" : sprintf(x < 0.01 ? "%.5f" : x < 100 ? "%.2f" : "%.0f", x) }
function is_met(x, relation, bound) {
	if (x == "") return 0
	if (relation == "1+-") return x >= 1 - bound && x <= 1 + bound
	return relation == "<=" ? x <= bound + 0 : relation == ">=" ? x >= bound + 0 : x == bound + 0
}
function line(a, b, c, d, e, f) { printf "%-36s%12s  %-24s%9s  %-14s%s\n", a, b, c, d, e, f }

FNR == 1 { file++ }
file == 1 && !/^#/ { row[++rows] = $0 }
file == 2 {
	split($0, s, "\t")
	passes[s[1]] = 1
	series[s[2]] = 1
	add(s[1], s[2] " " s[3], s[4])
}
END {
	for (k in series)
		all[k " speedup"] = quotients(k " one", k " two")
	print "what\tunit\tdenshi\tpeer\tpeer's\tratio\tgoal\tmet" > TSV
	line("what", "denshi", "peer", "ratio", "goal")
	for (k = 1; k <= rows; k++) {
		n = split(row[k], f, /[ \t]*\|[ \t]*/)
		if (n < 2) {
			if (row[k] != "") section = heading = row[k]
			continue
		}
		split(f[4], beside, ", ")
		ours = median(all[f[3]]); peer = median(all[beside[1]])
		quotient = median(quotients(f[3], beside[1]))
		if (quotient == "" && ours != "" && peer + 0 > 0)
			quotient = ours / peer
		# a part that was not run
		if (ours == "")
			continue
		if (heading != "") printf "%s%s\n", parted++ ? "\n" : "", heading
		heading = verdict = ""
		if (split(f[6], g, " ") == 3)
			verdict = is_met(g[1] == "ratio" ? quotient : ours, g[2], g[3]) ? "met" : "MISSED"
		goal = verdict == "" ? "" : (g[1] == "ratio" ? "ratio " : "") g[2] " " g[3]
		shown = f[4] == "" ? "" : f[5] (f[5] == "" ? "" : " ") number(peer, f[2])
		for (i = 2; i in beside; i++)
			shown = shown ", " number(median(all[beside[i]]), f[2])
		line("  " f[1], number(ours, f[2]), shown, ratio(quotient), goal, verdict)
		printf "%s: %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", section, f[1], f[2], ours, f[5], peer, quotient, goal, verdict > TSV
	}
}
