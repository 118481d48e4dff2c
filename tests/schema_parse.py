#!/usr/bin/python3
"""schema_parse.py FILE: the schema as RFC 4512 has it, read by a parser other than OpenLDAP's
(python3-ldap3). What it finds must hang together; prints the number of definitions."""
import sys

from ldap3.protocol.rfc4512 import AttributeTypeInfo, ObjectClassInfo

# What the classes take from elsewhere (RFC 4519, 2307, 4524, 2798; slapo-ppolicy has none here).
OTHERS = set("""cn uid mail displayName uidNumber gidNumber homeDirectory loginShell preferredLanguage
userPassword description member certificateRevocationList""".split())


def read(path, name, kind):
    with open(path, encoding="ascii") as lines:
        values = [line.split(": ", 1)[1].rstrip("\n") for line in lines if line.startswith(name + ": ")]
    return list(kind.from_definition(values).values()) if values else []


def main(path):
    attributes = read(path, "attributeTypes", AttributeTypeInfo)
    classes = read(path, "objectClasses", ObjectClassInfo)
    names = {name for a in attributes for name in a.name}
    problems = []
    for a in attributes:
        if not (a.oid and a.name and a.description and a.syntax and a.equality):
            problems.append(f"{a.name or a.oid}: no name, description, syntax or equality rule")
    for c in classes:
        for used in list(c.must_contain or []) + list(c.may_contain or []):
            if used not in names | OTHERS:
                problems.append(f"{c.name}: what is {used}?")
    used = {n for c in classes for n in list(c.must_contain or []) + list(c.may_contain or [])}
    problems += [f"{n} is in no class" for n in sorted(names - used)]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(len(attributes), len(classes))
    return 1 if problems or not attributes or not classes else 0


sys.exit(main(sys.argv[1]))
