"""One simple bind with the control of an attempt, and what came of it: RESULT TAB TEXT TAB CONTROL.

usage: attempts.py URI DN PASSWORD [CONTROL-VALUE...]    (each value a control of its own; \\0 and \\n as in Python)
"""
import sys
import ldap3

OID = "2.25.78147632043697467920069002842794325447.3.4"

uri, dn, password, *values = sys.argv[1:]
server = ldap3.Server(uri, get_info=ldap3.NONE)
connection = ldap3.Connection(server, dn, password, auto_bind=ldap3.AUTO_BIND_NONE)
connection.open()
controls = [(OID, True, v.encode().decode("unicode_escape").encode("latin-1")) for v in values] or None
connection.bind(controls=controls)
result = connection.result
answer = result.get("controls", {}).get(OID, {}).get("value", b"")
print(result["result"], result["message"], answer.decode() if answer else "", sep="\t")
