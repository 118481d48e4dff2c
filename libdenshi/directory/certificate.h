/*
 * Grants, signing requests and certificates (R-CERT), as they lie in
 * ou=certificates: one entry a grant, which collects the owner's request and then
 * the certificate or the refusal of denshi-ca. Bytes are DER.
 */
#ifndef DENSHI_DIRECTORY_CERTIFICATE_H
#define DENSHI_DIRECTORY_CERTIFICATE_H

#include "core/loginid.h"
#include "directory/batch.h"

#define DENDIR_DER_MAX 16384

struct dendir_grant {
	char id[33];
	char owner[DEN_LOGIN_ID_SIZE];
	char serial_hex[65];
	char refused[256], reason[256];
	int64_t expires; /* of the grant */
	int64_t revoked; /* -1: not */
	int64_t changed; /* last, by the directory's clock */
	int is_renewal;	 /* the owner's own, with the proof of the key before (crypto/renewal.h) */
	size_t request_len, certificate_len; /* 0: none */
	unsigned char request[DENDIR_DER_MAX], certificate[DENDIR_DER_MAX];
};

/* A grant in force until `expires`; by is the granting identity's DN. */
enum den_code dendir_grant_add(struct dendir *master, const char *id, const char *owner, const char *by,
	int64_t expires);
/* The same in a batch. One of this id that is there already is as good: an update that is
 * run again grants once. */
void dendir_grant_put(struct dendir_batch *b, const char *id, const char *owner, const char *by, int64_t expires);

/* Each grant of owner ("" for all), oldest first. Non-zero ends it. */
typedef int dendir_each_grant(void *context, const struct dendir_grant *grant);
enum den_code dendir_grant_each(struct dendir *d, const char *owner, dendir_each_grant *each, void *context);

/* Each certificate of owner ("" for all), each owner's in the order of their grants, without its bytes. */
struct dendir_issued {
	char owner[DEN_LOGIN_ID_SIZE];
	char serial_hex[65];
	int64_t made;	 /* its grant */
	int64_t revoked; /* -1: not */
};
enum den_code dendir_issued_read(struct dendir *d, const char *owner, struct dendir_issued **list, size_t *n);

/* One by id. DEN_GRANT_NONE. */
enum den_code dendir_grant_read(struct dendir *d, const char *id, struct dendir_grant *grant);

/* Under the owner's login identity: the request, once. DEN_GRANT_NONE where there is one already. */
enum den_code dendir_grant_request(struct dendir *owner, const char *id, const void *der, size_t len);

/* Under the owner's login identity: a renewal, whole. DEN_GRANT_NONE where there is one of this id. */
enum den_code dendir_grant_renew(struct dendir *owner, const char *id, const char *login, const void *der, size_t len,
	int64_t expires);

/* Under denshi-ca's identity: once. */
enum den_code dendir_grant_issue(struct dendir *ca, const char *id, const void *der, size_t len,
	const char *serial_hex);
enum den_code dendir_grant_refuse(struct dendir *ca, const char *id, const char *reason);

/* Under a master's approval identity. */
enum den_code dendir_grant_revoke(struct dendir *master, const char *id, const char *reason, int64_t now);

/* The certificates of the organisation's CAs, DER: the one in use, and the one before while certificates of it
 * are in force. */
#define DENDIR_CA_MAX 4
struct dendir_cas {
	size_t n;
	struct {
		size_t len;
		unsigned char der[DENDIR_DER_MAX];
	} ca[DENDIR_CA_MAX];
};
enum den_code dendir_cas_read(struct dendir *d, struct dendir_cas *cas);
/* In the place of what is there: denshi-ca's to write. */
enum den_code dendir_cas_write(struct dendir *ca, const struct dendir_cas *cas);

/* One of their revocation lists, DER; *len is the room and then the size. 0: none, or longer. */
enum den_code dendir_crl_read(struct dendir *d, void *crl, size_t *len);

#endif
