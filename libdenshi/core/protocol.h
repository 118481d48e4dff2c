/*
 * What may be asked of denshid, and what it answers. How it is packed:
 * core/wire.h. Who asks is told by the kernel (SO_PEERCRED), never by a field.
 *
 * A reply's kind is an enum den_code; its arguments, for den_text_format, are
 * the DEN_TAG_ARG fields in order. DEN_TAG_LANG is the language of the user that
 * a request is about (PAM) or of the one who asks (commands). A request with
 * several rows of result is answered by several replies, all but the last
 * flagged DEN_MORE with kind DEN_OK and one row's fields; the last one has no
 * row but the code, and may carry fields of its own.
 * A refusal for several reasons has DEN_TAG_CODE fields (u64), each followed by
 * its own DEN_TAG_CODE_ARG fields.
 */
#ifndef DENSHI_CORE_PROTOCOL_H
#define DENSHI_CORE_PROTOCOL_H

#ifndef DEN_SOCKET_PATH
#define DEN_SOCKET_PATH "/run/denshi/denshid.sock"
#endif

enum den_op {
	/*
	 * For PAM. All take LOGIN and SERVICE.
	 *
	 * BEGIN: [RHOST, TTY, CERTIFICATE ("required" | "optional" | "on-record" | "off"),
	 *   AUTH_INFO (sshd's SSH_AUTH_INFO_0, may be missing)] -> OK + LANG, or the refusal of the
	 *   certificate (LANG too). Counts nothing. With OK, what to say before the password is
	 *   asked for, as CODE, CODE_ARG: the refusal of a moment ago.
	 * AUTH: PASSWORD, [RHOST, TTY] -> OK, LOGIN_WRONG, LOGIN_LOCKED, ...
	 * ACCOUNT: [CERTIFICATE, AUTH_INFO] -> OK + NUMBER, a set of DEN_PENDING_*; or a refusal.
	 * PASSWD: KIND ("login" | "approval"), CURRENT (where PENDING says APPROVAL_NEW: the login
	 *   password, under whose identity the first approval password is made), PASSWORD (the new
	 *   one) -> OK; LOGIN_WRONG, APPROVAL_WRONG; PASSWORD_NOT_CHANGED + PW_* in CODE fields.
	 *   With DRY_RUN and no PASSWORD: could it be changed at all? (PAM_PRELIM_CHECK)
	 * APPROVAL_USE: BUSINESS, [ACCOUNT], APPROVER ("other" | "any"), [NEED (u64)], [MATCH (names of
	 *   bindings, with commas)], [FACT (NAME=VALUE)...], [WITHIN (u64, seconds; otherwise the approval is
	 *   used up)], [DRY_RUN (only say whether)] -> APPROVAL_USED, APPROVAL_STANDS (not used up) or
	 *   ALLOWED (an approval-free business), with ID, APPROVER...; or APPROVAL_MISSING, APPROVAL_PENDING, ...
	 * APPROVAL_SPOT: the same, and DECIDED_BY (who stands by), APPROVAL_PASSWORD (theirs), SUBJECT -> the same.
	 *   A request is entered, approved and used. Root only.
	 * SESSION_OPEN: [RHOST, TTY] -> OK + TOKEN, and the user's messages as CODE, CODE_ARG.
	 * SESSION_CLOSE: TOKEN -> OK.
	 * PROVE: CHALLENGE, BYTES (certificate DER), SIGNATURE (crypto/proof.h) -> OK, or the
	 *   refusal of the certificate. A challenge comes with BEGIN's answer PROOF_WANTED, which
	 *   it gives where a certificate is demanded and none was shown, to who says with PROVER 1
	 *   that they can have one proven; to root and the user alone. A proven CHALLENGE may then
	 *   go along with BEGIN and ACCOUNT, in place of AUTH_INFO.
	 */
	DEN_OP_BEGIN = 1,
	DEN_OP_AUTH,
	DEN_OP_ACCOUNT,
	DEN_OP_PASSWD,
	DEN_OP_APPROVAL_USE,
	DEN_OP_SESSION_OPEN,
	DEN_OP_SESSION_CLOSE,
	DEN_OP_PROVE,
	DEN_OP_APPROVAL_SPOT,

	/*
	 * Commands; the one who asks is the peer. LANG is added to each final reply.
	 *
	 * PENDING_COUNT is counted up to 1,001 (DEN_COUNTED_MAX + 1), which means more than 1,000.
	 *
	 * STATUS -> OK + SERIAL, PENDING_COUNT, TIME (of the snapshot), STATE ("up"|"down"), ORG,
	 *   HOST, and LOGIN, ROLE of the peer where it is a user.
	 * USER_CREATE: LOGIN, NAME, MAIL, [MAIL_AGAIN], ROLE, [LANG], PASSWORD, [PASSWORD_AGAIN],
	 *   [DRY_RUN], [GENERATE] -> OK + the normalised LOGIN, NAME, MAIL, ROLE, LANG (+ PASSWORD
	 *   where one was generated) + PENDING_COUNT; or FIELDS_WRONG with CODE fields.
	 * USER_CHANGE: LOGIN, [NAME], [MAIL], [ROLE], [LANG], [DRY_RUN] -> as USER_CREATE.
	 * USER_DELETE: LOGIN, [DRY_RUN] -> OK + PENDING_COUNT (removed with the next update).
	 * USER_LIST: [LOGIN (one user)], [FILTER (part of login ID or name)], [NUMBER (at most so
	 *   many)] -> [NUMBER (shown, where there are more)], rows LOGIN, NAME, MAIL, ROLE, STATE ("registered",
	 *   "published", "changed", "suspended", "removed"), AUTHORITY..., ATTEMPTS (taken
	 *   slots), RECORD... (of attempts), APPROVAL_STATE ("none", "initial", "set",
	 *   "locked", "expired"), CERT_STATE, UID.
	 * USER_IMPORT: [DRY_RUN] -> row OK. Then, on the same connection, messages of this kind:
	 *   [APPROVAL_PASSWORD (once, where users have authorities)], at most DEN_IMPORT_MAX users,
	 *   each LINE, LOGIN, NAME, MAIL, ROLE, [LANG], AUTHORITY..., [CERTIFICATE ("grant")],
	 *   [PASSWORD]. Each is answered by a row for every wrong user (LINE, CODE and CODE_ARG...),
	 *   then one with NUMBER (of users added, or that would be) and, with DRY_RUN, THERE..., the
	 *   lines of those who are there already, exactly so. One without users ends it -> OK + PENDING_COUNT.
	 * USER_EXPORT: -> rows LOGIN, NAME, MAIL, ROLE, LANG, AUTHORITY..., [CERTIFICATE].
	 * USER_SUSPEND: LOGIN, STATE ("suspended"|"active"), APPROVAL_PASSWORD -> OK + SERIAL.
	 */
	DEN_OP_STATUS = 20,
	DEN_OP_USER_CREATE,
	DEN_OP_USER_CHANGE,
	DEN_OP_USER_DELETE,
	DEN_OP_USER_LIST,
	DEN_OP_USER_SUSPEND,
	DEN_OP_USER_IMPORT,
	DEN_OP_USER_EXPORT,

	/*
	 * CERT_GRANT: LOGIN..., [DRY_RUN] -> OK + PENDING_COUNT.
	 * CERT_LIST: [LOGIN] -> rows LOGIN, STATE ("granted", "requested", "issued", "revoked",
	 *   "expired", "refused"), EXPIRES (u64 time), SERIAL_HEX, ID, oldest first; of a certificate
	 *   TIME (its begin) and DIGEST (SHA-256, hex); REASON (of a revocation or refusal).
	 * CERT_GRANTED: LOGIN, PASSWORD -> OK + ORG, ID (of the grant): may this user acquire one now?
	 *   Asked before a key is made. The login password is an attempt like any other (R-CERT-2).
	 * CERT_REQUEST: LOGIN, PASSWORD, ID, BYTES (PKCS#10 DER) -> OK + ID. An attempt as well.
	 * CERT_FETCH: ID -> OK + BYTES (certificate DER), CA_BYTES; CA_REFUSED; CA_SILENT (not
	 *   yet: ask again); or GRANT_OPEN (nothing was requested with it).
	 * CERT_RENEW: LOGIN, PASSWORD, ID (a new grant's, chosen by the one who asks), BYTES
	 *   (crypto/renewal.h) -> OK; CERT_NOT_DUE, ... Without BYTES and PASSWORD: is it due? Then CERT_FETCH.
	 * CERT_REVOKE: LOGIN, REASON, APPROVAL_PASSWORD -> OK.
	 * SSH_KEYS: LOGIN -> OK + TEXT, one line for authorized_keys(5); or a refusal.
	 */
	DEN_OP_CERT_GRANT = 40,
	DEN_OP_CERT_LIST,
	DEN_OP_CERT_REQUEST,
	DEN_OP_CERT_GRANTED,
	DEN_OP_CERT_FETCH,
	DEN_OP_CERT_REVOKE,
	DEN_OP_SSH_KEYS,
	DEN_OP_CERT_RENEW,

	/*
	 * UPDATE_SHOW: [FILTER] -> rows ACTION ("add", "change", "remove", "grant", "finish"), LOGIN,
	 *   ATTRIBUTE, BEFORE, AFTER; then OK + PENDING_COUNT, DIGEST (of all rows: what was shown).
	 * UPDATE_RUN: DIGEST (as shown), APPROVAL_PASSWORD, [FILTER] -> UPDATE_DONE + SERIAL,
	 *   PENDING_COUNT. A large one tells on its way, in rows: NUMBER (users in place); then
	 *   SERIAL (in force from now on), NUMBER (users swept).
	 * UPDATE_HISTORY: [SERIAL (only those below)], [NUMBER (of updates, at most)] -> rows SERIAL,
	 *   TIME, LOGIN (the master), STATE, TEXT (a line of the diff)..., newest first, a large one
	 *   in several rows; then OK + SERIAL (of the next page, where there is one).
	 */
	DEN_OP_UPDATE_SHOW = 60,
	DEN_OP_UPDATE_RUN,
	DEN_OP_UPDATE_HISTORY,

	/*
	 * AUTHORITY_LIST: [LANG (of the labels; otherwise the peer's)] -> rows ID, KIND ("use", "maker", "approver", "account"), LABEL.
	 * AUTHORITY_SHOW: LOGIN -> row LOGIN, AUTHORITY...
	 * AUTHORITY_CHANGE: LOGIN, GIVE..., TAKE..., APPROVAL_PASSWORD, [INITIAL (of the approval
	 *   credential, where the first approver authority is given)], [DRY_RUN] -> AUTHORITY_DONE
	 *   + SERIAL. With DRY_RUN: OK + BEFORE..., AFTER..., NUMBER (1 where INITIAL is needed).
	 * CATALOGUE_CHANGE: WHICH ("business" | "account"), ACTION ("add" | "change" | "delete"), ID,
	 *   [KIND ("free" | "required"; of a new business)], [LABEL (of a business in English)],
	 *   [LABEL_JA], [SIGNED ("required" | "off")], [SELF_APPROVAL ("yes" | "no")], [NEED (a digit)], [CURRENCY, NEED_FROM, LIMIT (lists with
	 *   commas, which replace what there was; "": none)], [DRY_RUN], APPROVAL_PASSWORD ->
	 *   CATALOGUE_DONE; CATALOGUE_USED, FIELDS_WRONG, ... With DRY_RUN: OK.
	 */
	DEN_OP_AUTHORITY_LIST = 80,
	DEN_OP_AUTHORITY_SHOW,
	DEN_OP_AUTHORITY_CHANGE,
	DEN_OP_CATALOGUE_CHANGE,

	/*
	 * REQUEST_NEW: BUSINESS, [ACCOUNT], [SUBJECT (not needed with COMMAND)], [AMOUNT], [ATTACHMENT
	 *   ("SIZE SHA-256 NAME")], [NEED (u64)], [FACT (NAME=VALUE: a binding)...], [COMMAND (a word)...],
	 *   [TTY], [DRY_RUN] -> REQUEST_MADE + ID, DIGEST
	 * REQUEST_LIST: WHICH ("mine", "to-approve", "all"), [ID] -> rows ID, BUSINESS, ACCOUNT,
	 *   SUBJECT, AMOUNT, ATTACHMENT (a line to read), FACT..., NEED, MAKER, STATE ("pending", "approved",
	 *   "rejected", "withdrawn", "expired", "used"), TIME, EXPIRES, DIGEST (short, readable), HOST,
	 *   TEXT (where on it), DECIDED_BY..., RECORD... (of the decisions), REASON, USED, SHA256 (the whole digest),
	 *   [SIGNED (u64: a decision needs a signature, of this time by the directory's clock)].
	 * REQUEST_DECIDE: ID, DIGEST (as shown), DECISION ("approved" | "rejected"), [REASON],
	 *   APPROVAL_PASSWORD, TOKEN (of the session), [TIME (SIGNED, as shown), SIGNATURE (of den_decision_text)]
	 *   -> APPROVED, APPROVED_PARTLY, REJECTED. With DRY_RUN, without secrets and signature: OK.
	 * REQUEST_WITHDRAW: ID, [DRY_RUN] -> WITHDRAWN; OK.
	 */
	DEN_OP_REQUEST_NEW = 100,
	DEN_OP_REQUEST_LIST,
	DEN_OP_REQUEST_DECIDE,
	DEN_OP_REQUEST_WITHDRAW,

	/*
	 * UNLOCK: LOGIN, KIND, APPROVAL_PASSWORD (the master's), INITIAL -> UNLOCKED[_APPROVAL]
	 * LOG: [LOGIN (records about this user)], [TIME (only since then)], [DRY_RUN (only verify)] -> rows NUMBER, TIME, RECORD;
	 *   then OK, LOG_SOUND, LOG_BROKEN, LOG_UNFIT or LOG_UNFIT_UPDATE + NUMBER (of records). For masters and root.
	 *   With HOST: what the directory knows of that host's records -> rows NUMBER, DIGEST, KIND ("decision", "update"), ID; OK + SERIAL (in force).
	 * LOGOUT: TOKEN, WHICH ("business", "login") -> LOGOUT_*
	 */
	DEN_OP_UNLOCK = 120,
	DEN_OP_LOGOUT,
	DEN_OP_LOG,
};

#define DEN_COUNTED_MAX 1000

/* Users a message of USER_IMPORT, and its bytes: a second one may be sent before the first is
 * answered, and neither end then waits for room. */
#define DEN_IMPORT_MAX 100
#define DEN_IMPORT_BYTES (24u * 1024)

/* What a user still has to do at login (ACCOUNT's NUMBER). */
#define DEN_PENDING_LOGIN 1u	       /* change the initial login password (R-FIRST-1) */
#define DEN_PENDING_APPROVAL 2u	       /* change the initial approval password (R-APW-2) */
#define DEN_PENDING_EXPIRED 8u	       /* change the login password: it has expired (R-PW-2) */
#define DEN_PENDING_APPROVAL_NEW 4u    /* set the first approval password: a master's (R-APW-2) */

enum den_tag {
	DEN_TAG_ARG = 1,
	DEN_TAG_LANG,
	DEN_TAG_CODE,
	DEN_TAG_CODE_ARG,
	DEN_TAG_LOGIN,
	DEN_TAG_SERVICE,
	DEN_TAG_RHOST,
	DEN_TAG_TTY,
	DEN_TAG_CERTIFICATE,
	DEN_TAG_AUTH_INFO,
	DEN_TAG_PASSWORD,
	DEN_TAG_PASSWORD_AGAIN,
	DEN_TAG_CURRENT,
	DEN_TAG_APPROVAL_PASSWORD,
	DEN_TAG_INITIAL,
	DEN_TAG_KIND,
	DEN_TAG_NUMBER,
	DEN_TAG_BUSINESS,
	DEN_TAG_ACCOUNT,
	DEN_TAG_APPROVER,
	DEN_TAG_TOKEN,
	DEN_TAG_NAME,
	DEN_TAG_MAIL,
	DEN_TAG_MAIL_AGAIN,
	DEN_TAG_ROLE,
	DEN_TAG_STATE,
	DEN_TAG_AUTHORITY,
	DEN_TAG_ATTEMPTS,
	DEN_TAG_RECORD,
	DEN_TAG_APPROVAL_STATE,
	DEN_TAG_CERT_STATE,
	DEN_TAG_UID,
	DEN_TAG_DRY_RUN,
	DEN_TAG_GENERATE,
	DEN_TAG_PENDING_COUNT,
	DEN_TAG_SERIAL,
	DEN_TAG_TIME,
	DEN_TAG_EXPIRES,
	DEN_TAG_ORG,
	DEN_TAG_HOST,
	DEN_TAG_ID,
	DEN_TAG_BYTES,
	DEN_TAG_CA_BYTES,
	DEN_TAG_SERIAL_HEX,
	DEN_TAG_TEXT,
	DEN_TAG_FILTER,
	DEN_TAG_ACTION,
	DEN_TAG_ATTRIBUTE,
	DEN_TAG_BEFORE,
	DEN_TAG_AFTER,
	DEN_TAG_DIGEST,
	DEN_TAG_LABEL,
	DEN_TAG_GIVE,
	DEN_TAG_TAKE,
	DEN_TAG_SUBJECT,
	DEN_TAG_MAKER,
	DEN_TAG_DECIDED_BY,
	DEN_TAG_DECISION,
	DEN_TAG_REASON,
	DEN_TAG_WHICH,
	DEN_TAG_LINE,
	DEN_TAG_THERE,
	DEN_TAG_LABEL_JA,
	DEN_TAG_SELF_APPROVAL,
	DEN_TAG_PROVER,
	DEN_TAG_CHALLENGE,
	DEN_TAG_SIGNATURE,
	DEN_TAG_AMOUNT,
	DEN_TAG_ATTACHMENT,
	DEN_TAG_NEED,
	DEN_TAG_FACT,
	DEN_TAG_COMMAND,
	DEN_TAG_MATCH,
	DEN_TAG_WITHIN,
	DEN_TAG_USED,
	DEN_TAG_CURRENCY,
	DEN_TAG_NEED_FROM,
	DEN_TAG_LIMIT,
	DEN_TAG_SHA256,
	DEN_TAG_SIGNED,
};

#endif
