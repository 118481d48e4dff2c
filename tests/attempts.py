"""One simple bind with the control of an attempt, and what came of it: RESULT TAB TEXT TAB CONTROL.

usage: attempts.py URI DN PASSWORD [CONTROL-VALUE...]    (each value a control of its own; \\0 and \\n as in Python)
       attempts.py --drop N URI DN PASSWORD [CONTROL-VALUE...]    N at once that hang up before they are answered, every
                                                                   other one after it has abandoned the bind
"""
import sys
import ldap3

OID = "2.25.78147632043697467920069002842794325447.3.4"

arguments = sys.argv[1:]
drop = int(arguments[1]) if arguments[0] == "--drop" else 0
uri, dn, password, *values = arguments[2:] if drop else arguments
server = ldap3.Server(uri, get_info=ldap3.NONE)
controls = [(OID, True, v.encode().decode("unicode_escape").encode("latin-1")) for v in values] or None


def connect():
    connection = ldap3.Connection(server, dn, password, auto_bind=ldap3.AUTO_BIND_NONE)
    connection.open()
    return connection


def send(connection):
    """The bind as ldap3 makes it, and nothing awaited."""
    request = ldap3.operation.bind.bind_operation(connection.version, connection.authentication, dn, password)
    number = connection.server.next_message_id()
    message = ldap3.strategy.base.LDAPMessage()
    message["messageID"] = ldap3.strategy.base.MessageID(number)
    message["protocolOp"] = ldap3.strategy.base.ProtocolOp().setComponentByName("bindRequest", request)
    if controls:
        message["controls"] = ldap3.strategy.base.build_controls_list(controls)
    connection.socket.sendall(ldap3.strategy.base.encode(message))
    return number


if drop:
    connections = [connect() for _ in range(drop)]
    for k, connection in enumerate(connections):
        number = send(connection)
        if k % 2:
            connection.socket.sendall(bytes([0x30, 6, 2, 1, number + 1 & 0x7F, 0x50, 1, number & 0x7F]))
    for connection in connections:
        connection.socket.close()
    sys.exit(0)
connection = connect()
connection.bind(controls=controls)
result = connection.result
answer = result.get("controls", {}).get(OID, {}).get("value", b"")
print(result["result"], result["message"], answer.decode() if answer else "", sep="\t")
