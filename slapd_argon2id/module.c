/*
 * pw-argon2id: slapd's scheme {ARGON2} with Argon2id. Debian's own module (pw-argon2) was
 * built to make Argon2i and has no setting for the variant. Scheme and format are
 * the same, so either verifies what the other made.
 *
 *	olcModuleLoad: pw-argon2id m=19456 t=2 p=1
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "core/oid.h"
#include "slapd_argon2id/hash.h"
#include "slapd_argon2id/slapd.h"

static char scheme_name[] = "{ARGON2}";
static struct berval scheme = {.bv_val = scheme_name, .bv_len = sizeof(scheme_name) - 1};

/* denshiOID:3.1 (ldap-schema/oids): clients see that new passwords are hashed with Argon2id. */
static char feature_oid[] = DEN_OID_ARGON2ID;
static struct berval feature = {.bv_val = feature_oid, .bv_len = sizeof(feature_oid) - 1};

/* Set by init_module, before there are threads. */
static struct pwhash_cost cost = {PWHASH_MEMORY_KIB, PWHASH_PASSES, PWHASH_LANES};
static struct pwhash_cost most;

static int make(const struct berval *name, const struct berval *cred, struct berval *passwd, const char **text)
{
	char hash[PWHASH_SIZE];
	size_t len;

	if (pwhash_make(hash, &cost, cred->bv_val, cred->bv_len) != PWHASH_OK) {
		if (text)
			*text = "argon2id: no memory or no entropy";
		return LUTIL_PASSWD_ERR;
	}
	len = strlen(hash);
	passwd->bv_len = name->bv_len + len;
	passwd->bv_val = ber_memalloc(passwd->bv_len + 1);
	if (passwd->bv_val) {
		memcpy(passwd->bv_val, name->bv_val, name->bv_len);
		memcpy(passwd->bv_val + name->bv_len, hash, len + 1);
	}
	explicit_bzero(hash, sizeof(hash));
	return passwd->bv_val ? LUTIL_PASSWD_OK : LUTIL_PASSWD_ERR;
}

static int check(const struct berval *name, const struct berval *passwd, const struct berval *cred,
	const char **text)
{
	static const char *const reasons[] = {
		[PWHASH_FORM] = "a stored value is no Argon2 hash",
		[PWHASH_COSTLY] = "a stored hash costs more than is allowed",
		[PWHASH_FAILED] = "no memory, or a password that is too long",
	};
	enum pwhash_result result =
		pwhash_verify(passwd->bv_val, passwd->bv_len, &most, cred->bv_val, cred->bv_len);

	(void)name;
	/* What *text says is told to whoever tries to bind: nothing. The log is slapd's own. */
	(void)text;
	if (result == PWHASH_OK)
		return LUTIL_PASSWD_OK;
	if (result != PWHASH_WRONG)
		syslog(LOG_WARNING, "pw-argon2id: %s: refused", reasons[result]);
	return LUTIL_PASSWD_ERR;
}

static int take_argument(const char *arg)
{
	static const struct {
		const char *name;
		uint32_t *value;
	} arguments[] = {{"m=", &cost.memory_kib}, {"t=", &cost.passes}, {"p=", &cost.lanes}};

	for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		const char *number = arg + strlen(arguments[i].name);
		unsigned long n;
		char *end;

		if (strncmp(arg, arguments[i].name, strlen(arguments[i].name)) != 0)
			continue;
		errno = 0;
		n = strtoul(number, &end, 10);
		if (*number < '1' || *number > '9' || *end || errno || n > UINT32_MAX)
			return -1;
		*arguments[i].value = (uint32_t)n;
		return 0;
	}
	return -1;
}

/* Hashes from elsewhere, or from before the cost was lowered, are verified too: up to
 * 1 GiB of memory passed over once, or what we make ourselves where that is more. */
static void set_most(void)
{
	const uint32_t roomy = UINT32_C(1) << 20;
	int more = (uint64_t)cost.memory_kib * cost.passes > roomy;

	most = (struct pwhash_cost){more ? cost.memory_kib : roomy, more ? cost.passes : 1,
		cost.lanes > 16 ? cost.lanes : 16};
}

__attribute__((visibility("default"))) int init_module(int argc, char *argv[])
{
	for (int i = 0; i < argc; i++)
		if (take_argument(argv[i]) != 0) {
			fprintf(stderr, "pw-argon2id: m=KIB, t=PASSES and p=LANES are the arguments, not %s\n", argv[i]);
			return -1;
		}
	if (pwhash_cost_check(&cost) != 0) {
		fprintf(stderr, "pw-argon2id: m=%u t=%u p=%u can't be had (8 KiB a lane at least)\n", cost.memory_kib,
			cost.passes, cost.lanes);
		return -1;
	}
	set_most();
	if (lutil_passwd_add(&scheme, check, make) != 0)
		return -1;
	return supported_feature_load(&feature);
}
