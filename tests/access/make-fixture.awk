# Entries of each kind beside those of the sandbox, for tests/access/matrix: LDIF.
function user(id, role, state, authorities, rest,    a, n, i) {
	printf "dn: uid=%s,%s\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nobjectClass: denshiUser\n", id, people
	printf "objectClass: pkiUser\nuid: %s\ncn: %s\nsn: %s\nuidNumber: %d\ngidNumber: 200000\n", id, id, id, ++uid
	printf "homeDirectory: /home/%s\ndenshiRole: %s\ndenshiState: %s\nuserPassword: %s\n", id, role, state, password
	n = split(authorities, a, " ")
	for (i = 1; i <= n; i++)
		printf "denshiAuthority: %s\n", a[i]
	print rest
}
function approval(id, rest) {
	printf "dn: cn=approval,uid=%s,%s\nobjectClass: denshiApproval\nobjectClass: denshiCredential\ncn: approval\n%s\n", \
		id, people, rest
}
function request(cn, maker, business, rest) {
	printf "dn: cn=%s,ou=requests,o=acme\nobjectClass: denshiRequest\ncn: %s\ndenshiMaker: uid=%s,%s\n", cn, cn, maker, people
	printf "denshiBusiness: %s\ndenshiApproverAuthority: %s.approver\ndenshiSubject: fixture\ndenshiDigest: abcd\n", \
		business, business
	printf "denshiRequestedAt: 20260101000000Z\ndenshiExpires: 20360101000000Z\n%s\n", rest
}
function grant(cn, owner, rest) {
	printf "dn: cn=%s,ou=certificates,o=acme\nobjectClass: denshiGrant\ncn: %s\ndenshiOwner: uid=%s,%s\n", cn, cn, owner, people
	printf "denshiGrantedBy: cn=approval,uid=d-xmastr9,%s\ndenshiExpires: 20360101000000Z\n%s\n", people, rest
}
function update(cn, state) {
	printf "dn: cn=%s,ou=updates,o=acme\nobjectClass: denshiUpdate\ncn: %s\ndenshiSerial: 9001\n", cn, cn
	printf "denshiMaster: cn=approval,uid=d-xmastr9,%s\ndenshiUpdateTime: 20260101000000Z\ndenshiState: %s\n", people, state
	printf "denshiDiff: 000001 add d-xplain0 role: - -> general\n\n"
}
function part(cn) {
	printf "dn: cn=1,cn=%s,ou=updates,o=acme\nobjectClass: denshiUpdatePart\ncn: 1\n", cn
	printf "denshiDiffLines: 000002 add d-xplain0 name: - -> x\n\n"
}
function anchor(host) {
	printf "dn: cn=9001,cn=%s,ou=hosts,o=acme\nobjectClass: denshiAnchor\ncn: 9001\ndenshiChainHead: 1:abcd\n\n", host
}
BEGIN {
	people = "ou=people,o=acme"
	password = "probe-Password1"
	secret = "userPassword: " password "\n"
	account = "denshiAccount: 001-1234567\n"
	uid = 290000
	user("d-xmaster", "master", "active")
	user("d-xmastr2", "master", "active")
	user("d-xmastr3", "master", "active")
	user("d-xmastr4", "master", "suspended")
	user("d-xmastr5", "master", "active")
	user("d-xgone00", "master", "suspended")
	user("d-xmaker0", "general", "active", "transfer.maker acct.001-1234567")
	user("d-xappr0", "general", "active", "transfer.approver claim.approver acct.001-1234567")
	user("d-xappr2", "general", "active", "transfer.approver acct.002-7654321")
	user("d-xappr3", "general", "active", "split.approver acct.001-1234567")
	user("d-xboth00", "general", "active", "transfer.maker transfer.approver claim.maker claim.approver acct.001-1234567")
	user("d-xsusp00", "general", "suspended", "transfer.approver acct.001-1234567")
	user("d-xdebut0", "general", "active", "transfer.approver acct.001-1234567")
	user("d-xplain0", "general", "active", "inquiry.use")
	user("d-xquiet0", "general", "active", "inquiry.use")
	user("d-xsealed", "general", "active", "inquiry.use", "denshiAttempt: 7\n")
	approval("d-xmaster", secret)
	approval("d-xmastr2", secret)
	approval("d-xgone00", secret)
	approval("d-xappr0", secret)
	approval("d-xappr2", secret)
	approval("d-xappr3", secret)
	approval("d-xboth00", secret)
	approval("d-xsusp00", secret)
	approval("d-xdebut0", secret "pwdPolicySubentry: cn=initial-approval,ou=policies,o=acme\npwdReset: TRUE\n")
	approval("d-xquiet0", secret)
	approval("d-xsealed", secret "denshiAttempt: 7\n")
	# Without a password yet: of a master, of somebody else.
	approval("d-xmastr3", "")
	approval("d-xplain0", "")

	printf "dn: uid=d-xnew000,ou=prepared,o=acme\nobjectClass: inetOrgPerson\nobjectClass: denshiUser\nuid: d-xnew000\n"
	printf "cn: new\nsn: new\ndenshiRole: general\ndenshiPreparedBy: uid=d-xmaster,%s\n%s\n", people, secret
	printf "dn: uid=d-xbulk00,ou=prepared,o=acme\nobjectClass: inetOrgPerson\nobjectClass: denshiUser\nuid: d-xbulk00\n"
	printf "cn: bulk\nsn: bulk\ndenshiRole: general\ndenshiAuthority: transfer.maker\n%s\n", secret
	printf "dn: uid=d-xplain0,ou=prepared,o=acme\nobjectClass: denshiChange\nuid: d-xplain0\n"
	printf "denshiPreparedBy: uid=d-xmaster,%s\n\n", people
	printf "dn: cn=d-xplain0.9001,ou=published,o=acme\nobjectClass: denshiVersion\ncn: d-xplain0.9001\nuid: d-xplain0\n"
	printf "denshiSerial: 9001\ndenshiState: active\n\n"
	printf "dn: cn=g.xgroup.9001,ou=published,o=acme\nobjectClass: denshiVersion\ncn: g.xgroup.9001\n"
	printf "denshiSerial: 9001\ndenshiState: group\ndisplayName: xgroup\ngidNumber: 399999\n\n"
	update("9001", "running")
	update("9002", "done")
	part("9001")
	part("9002")
	printf "dn: cn=xbusiness,ou=businesses,o=acme\nobjectClass: denshiBusinessEntry\ncn: xbusiness\ndenshiKind: required\n\n"
	printf "dn: cn=xaccount,ou=accounts,o=acme\nobjectClass: denshiAccountEntry\ncn: xaccount\n\n"
	request("r-xpending", "d-xmaker0", "transfer", account)
	request("r-xplain", "d-xmaker0", "transfer", "")
	request("r-xown", "d-xboth00", "transfer", account)
	request("r-xfree", "d-xboth00", "claim", account)
	request("r-xwithdrawn", "d-xmaker0", "transfer", account "denshiWithdrawn: 20260101000000Z h\n")
	# Decided and used by matrix.sh: the directory takes that from nobody else.
	request("r-xdecided", "d-xmaker0", "transfer", account)
	request("r-xrejected", "d-xmaker0", "transfer", account)
	request("r-xused", "d-xmaker0", "transfer", account)
	grant("g-xopen", "d-xmaker0", "")
	grant("g-xissued", "d-xmaker0", "denshiSigningRequest: csr\ndenshiCertificate: crt\ndenshiCertificateSerial: 1234\n")
	grant("g-xrevoked", "d-xmaker0", "denshiRevoked: 20260101000000Z\ndenshiReason: lost\n")
	printf "dn: cn=here.example,ou=hosts,o=acme\nobjectClass: denshiHost\ncn: here.example\ndenshiHostId: xhost\n\n"
	printf "dn: cn=gone.example,ou=hosts,o=acme\nobjectClass: denshiHost\ncn: gone.example\ndenshiHostId: xgone\n\n"
	anchor("sandbox.denshi.test")
	anchor("here.example")
	printf "dn: cn=decoyx,ou=policies,o=acme\nobjectClass: device\nobjectClass: denshiCredential\ncn: decoyx\n"
	printf "pwdPolicySubentry: cn=decoypolicy,ou=policies,o=acme\n%s\n", secret
}
