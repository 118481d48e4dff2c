#include "crypto/token.h"

#include <string.h>

#include <openssl/objects.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "crypto/internal.h"

#define SLOTS_MAX 64
#define OBJECTS_MAX 256
#define TEXT_OF(array) (array), sizeof(array)

struct dencrypt_token {
	CK_FUNCTION_LIST **modules; /* NULL-terminated; of p11-kit */
	CK_FUNCTION_LIST *module;   /* whose token it is */
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
	CK_SESSION_HANDLE session; /* 0: not logged in */
	const char *pin;
};

/* -- finding it ------------------------------------------------------------------ */

/* A label is padded with blanks to the length of its field. */
static bool has_label(const CK_TOKEN_INFO *info, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > sizeof(info->label) || memcmp(info->label, name, len) != 0)
		return false;
	while (len < sizeof(info->label))
		if (info->label[len++] != ' ')
			return false;
	return true;
}

/* A module that fails has no tokens. */
static size_t find_in(struct dencrypt_token *t, CK_FUNCTION_LIST *module, P11KitUri *uri, const char *name)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	size_t found = 0;

	if (module->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		return 0;
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info;

		if (module->C_GetTokenInfo(slots[i], &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED))
			continue;
		if (uri ? p11_kit_uri_match_token_info(uri, &info) != 1 : !has_label(&info, name))
			continue;
		found++;
		t->module = module;
		t->slot = slots[i];
		t->info = info;
	}
	return found;
}

/* NULL for a name that is no URI; *bad for one that wants to be. */
static P11KitUri *parse_uri(const char *name, bool *bad)
{
	P11KitUri *uri = NULL;

	*bad = false;
	if (strncmp(name, "pkcs11:", 7) != 0)
		return NULL;
	uri = p11_kit_uri_new();
	*bad = !uri || p11_kit_uri_parse(name, P11_KIT_URI_FOR_ANY, uri) != P11_KIT_URI_OK;
	return uri;
}

enum dencrypt_result dencrypt_token_find(const char *name, struct dencrypt_token **out)
{
	struct dencrypt_token *t = OPENSSL_zalloc(sizeof(*t));
	size_t found = 0;
	bool bad;
	P11KitUri *uri = parse_uri(name, &bad);
	enum dencrypt_result result;

	if (t && !bad)
		t->modules = p11_kit_modules_load_and_initialize(0);
	for (size_t i = 0; t && t->modules && t->modules[i]; i++)
		found += find_in(t, t->modules[i], uri, name);
	p11_kit_uri_free(uri);
	result = !t ? DENCRYPT_NO_MEMORY : bad ? DENCRYPT_BAD_ARGUMENT : !dencrypt_engine_there() ? DENCRYPT_NO_ENGINE :
		found == 0 ? DENCRYPT_NO_TOKEN :
		found > 1 ? DENCRYPT_SEVERAL_TOKENS : DENCRYPT_OK;
	if (result == DENCRYPT_OK)
		*out = t;
	else
		dencrypt_token_close(t);
	return result;
}

void dencrypt_token_close(struct dencrypt_token *token)
{
	if (!token)
		return;
	if (token->session)
		token->module->C_CloseSession(token->session);
	if (token->modules)
		p11_kit_modules_finalize_and_release(token->modules);
	OPENSSL_free(token);
}

static enum dencrypt_result result_of(CK_RV rv)
{
	switch (rv) {
	case CKR_OK:
	case CKR_USER_ALREADY_LOGGED_IN:
		return DENCRYPT_OK;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
	case CKR_PIN_LOCKED:
	case CKR_PIN_EXPIRED:
		return DENCRYPT_WRONG_PIN;
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_DEVICE_REMOVED:
		return DENCRYPT_NO_TOKEN;
	case CKR_HOST_MEMORY:
		return DENCRYPT_NO_MEMORY;
	default:
		return DENCRYPT_TOKEN_REFUSED;
	}
}

enum dencrypt_result dencrypt_token_login(struct dencrypt_token *t, const char *pin)
{
	CK_SESSION_HANDLE session = 0;
	CK_RV rv = t->module->C_OpenSession(t->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
	enum dencrypt_result result = result_of(rv);

	if (result != DENCRYPT_OK)
		return result;
	result = result_of(t->module->C_Login(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin)));
	if (result == DENCRYPT_OK) {
		t->session = session;
		t->pin = pin;
	} else {
		t->module->C_CloseSession(session);
	}
	return result;
}

enum dencrypt_result dencrypt_token_uri(struct dencrypt_token *t, const char *id, char out[DENCRYPT_TOKEN_URI_SIZE])
{
	P11KitUri *uri = p11_kit_uri_new();
	CK_ATTRIBUTE attribute = {CKA_ID, (void *)(uintptr_t)id, id ? strlen(id) : 0};
	enum dencrypt_result result = DENCRYPT_BAD_ARGUMENT;
	char *text = NULL;

	if (uri)
		*p11_kit_uri_get_token_info(uri) = t->info;
	if (uri && (!id || p11_kit_uri_set_attribute(uri, &attribute) == P11_KIT_URI_OK) &&
		p11_kit_uri_format(uri, id ? P11_KIT_URI_FOR_OBJECT_ON_TOKEN : P11_KIT_URI_FOR_TOKEN, &text) == P11_KIT_URI_OK &&
		strlen(text) < DENCRYPT_TOKEN_URI_SIZE) {
		memcpy(out, text, strlen(text) + 1);
		result = DENCRYPT_OK;
	}
	free(text);
	p11_kit_uri_free(uri);
	return result;
}

/* -- objects ------------------------------------------------------------------------ */

#define ATTRIBUTE(type, value) {(type), (void *)(uintptr_t)&(value), sizeof(value)}
#define TEXT(type, text) {(type), (void *)(uintptr_t)(text), strlen(text)}

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

/* Those of a class with this label and, where it isn't NULL, this id. */
static enum dencrypt_result find_objects(struct dencrypt_token *t, CK_OBJECT_CLASS class, const char *label, const char *id,
	CK_OBJECT_HANDLE found[OBJECTS_MAX], CK_ULONG *n)
{
	CK_ATTRIBUTE wanted[] = {ATTRIBUTE(CKA_CLASS, class), TEXT(CKA_LABEL, label), {CKA_ID, NULL, 0}};
	enum dencrypt_result result;

	*n = 0;
	if (id)
		wanted[2] = (CK_ATTRIBUTE)TEXT(CKA_ID, id);
	result = result_of(t->module->C_FindObjectsInit(t->session, wanted, id ? 3 : 2));
	if (result != DENCRYPT_OK)
		return result;
	result = result_of(t->module->C_FindObjects(t->session, found, OBJECTS_MAX, n));
	t->module->C_FindObjectsFinal(t->session);
	return result;
}

static enum dencrypt_result drop_class(struct dencrypt_token *t, CK_OBJECT_CLASS class, const char *label, const char *id)
{
	CK_OBJECT_HANDLE found[OBJECTS_MAX];
	CK_ULONG n;
	enum dencrypt_result result = find_objects(t, class, label, id, found, &n);

	for (CK_ULONG i = 0; result == DENCRYPT_OK && i < n; i++)
		result = result_of(t->module->C_DestroyObject(t->session, found[i]));
	return result;
}

/* The private key last: a pair without a public key is one that is being removed. */
enum dencrypt_result dencrypt_token_drop(struct dencrypt_token *t, const char *label, const char *id)
{
	static const CK_OBJECT_CLASS classes[] = {CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY};
	enum dencrypt_result result = DENCRYPT_OK;

	for (size_t i = 0; result == DENCRYPT_OK && i < sizeof(classes) / sizeof(classes[0]); i++)
		result = drop_class(t, classes[i], label, id);
	return result;
}

static enum dencrypt_result has(struct dencrypt_token *t, CK_OBJECT_CLASS class, const char *label, const char *id, bool *is)
{
	CK_OBJECT_HANDLE found[OBJECTS_MAX];
	CK_ULONG n;
	enum dencrypt_result result = find_objects(t, class, label, id, found, &n);

	*is = n > 0;
	return result;
}

static bool read_id(struct dencrypt_token *t, CK_OBJECT_HANDLE object, char id[DENCRYPT_TOKEN_ID_SIZE])
{
	CK_ATTRIBUTE attribute = {CKA_ID, id, DENCRYPT_TOKEN_ID_SIZE - 1};

	if (t->module->C_GetAttributeValue(t->session, object, &attribute, 1) != CKR_OK ||
		attribute.ulValueLen == 0 || attribute.ulValueLen >= DENCRYPT_TOKEN_ID_SIZE)
		return false;
	id[attribute.ulValueLen] = '\0';
	return true;
}

/* *waits: a whole pair without a certificate. Half of one is removed. */
static enum dencrypt_result look_at(struct dencrypt_token *t, const char *label, const char *id, bool *waits)
{
	bool private = false, public = false, certificate = false;
	enum dencrypt_result result = has(t, CKO_PRIVATE_KEY, label, id, &private);

	if (result == DENCRYPT_OK)
		result = has(t, CKO_PUBLIC_KEY, label, id, &public);
	if (result == DENCRYPT_OK)
		result = has(t, CKO_CERTIFICATE, label, id, &certificate);
	*waits = result == DENCRYPT_OK && private && public && !certificate;
	if (result == DENCRYPT_OK && private != public && !certificate)
		result = dencrypt_token_drop(t, label, id);
	return result;
}

static enum dencrypt_result search_waiting(struct dencrypt_token *t, CK_OBJECT_CLASS class, const char *label,
	bool (*wanted)(const char *id), char id[DENCRYPT_TOKEN_ID_SIZE])
{
	CK_OBJECT_HANDLE found[OBJECTS_MAX];
	CK_ULONG n;
	enum dencrypt_result result = find_objects(t, class, label, NULL, found, &n);
	bool waits = false;

	for (CK_ULONG i = 0; result == DENCRYPT_OK && !waits && i < n; i++)
		/* One that was removed as half of another's pair is gone by now. */
		if (read_id(t, found[i], id) && wanted(id))
			result = look_at(t, label, id, &waits);
	if (!waits)
		*id = '\0';
	return result;
}

enum dencrypt_result dencrypt_token_waiting(struct dencrypt_token *t, const char *label, bool (*wanted)(const char *id),
					    char id[DENCRYPT_TOKEN_ID_SIZE])
{
	enum dencrypt_result result = search_waiting(t, CKO_PUBLIC_KEY, label, wanted, id);

	/* Beyond these, only halves are left. */
	if (result == DENCRYPT_OK && !*id)
		result = search_waiting(t, CKO_PRIVATE_KEY, label, wanted, id);
	return result;
}

/* -- what is put there ---------------------------------------------------------------- */

static enum dencrypt_result make_pair(struct dencrypt_token *t, CK_MECHANISM_TYPE type, CK_ATTRIBUTE *kind, CK_ULONG nkind,
	const char *label, const char *id)
{
	CK_MECHANISM mechanism = {type, NULL, 0};
	CK_ATTRIBUTE public[8] = {ATTRIBUTE(CKA_TOKEN, yes), ATTRIBUTE(CKA_PRIVATE, no), ATTRIBUTE(CKA_VERIFY, yes),
		TEXT(CKA_LABEL, label), TEXT(CKA_ID, id)};
	CK_ATTRIBUTE private[] = {ATTRIBUTE(CKA_TOKEN, yes), ATTRIBUTE(CKA_PRIVATE, yes), ATTRIBUTE(CKA_SENSITIVE, yes),
		ATTRIBUTE(CKA_EXTRACTABLE, no), ATTRIBUTE(CKA_SIGN, yes), TEXT(CKA_LABEL, label), TEXT(CKA_ID, id)};
	CK_OBJECT_HANDLE public_key, private_key;

	memcpy(public + 5, kind, nkind * sizeof(*kind));
	return result_of(t->module->C_GenerateKeyPair(t->session, &mechanism, public, 5 + nkind, private,
		sizeof(private) / sizeof(private[0]), &public_key, &private_key));
}

static enum dencrypt_result make_ec(struct dencrypt_token *t, int curve, const char *label, const char *id)
{
	unsigned char *der = NULL;
	int len = i2d_ASN1_OBJECT(OBJ_nid2obj(curve), &der);
	CK_ATTRIBUTE kind = {CKA_EC_PARAMS, der, len > 0 ? (CK_ULONG)len : 0};
	enum dencrypt_result result = len > 0 ? make_pair(t, CKM_EC_KEY_PAIR_GEN, &kind, 1, label, id) : DENCRYPT_NO_MEMORY;

	OPENSSL_free(der);
	return result;
}

static enum dencrypt_result make_rsa(struct dencrypt_token *t, CK_ULONG bits, const char *label, const char *id)
{
	static const unsigned char exponent[] = {1, 0, 1};
	CK_ATTRIBUTE kind[] = {ATTRIBUTE(CKA_MODULUS_BITS, bits), {CKA_PUBLIC_EXPONENT, (void *)(uintptr_t)exponent, sizeof(exponent)}};

	return make_pair(t, CKM_RSA_PKCS_KEY_PAIR_GEN, kind, 2, label, id);
}

enum dencrypt_result dencrypt_token_make_key(struct dencrypt_token *t, enum dencrypt_key_type type, const char *label,
					     const char *id)
{
	switch (type) {
	case DENCRYPT_EC_P256:
		return make_ec(t, NID_X9_62_prime256v1, label, id);
	case DENCRYPT_EC_P384:
		return make_ec(t, NID_secp384r1, label, id);
	case DENCRYPT_RSA_3072:
		return make_rsa(t, 3072, label, id);
	}
	return DENCRYPT_BAD_ARGUMENT;
}

enum dencrypt_result dencrypt_token_key(struct dencrypt_token *t, const char *id, struct dencrypt_key **key)
{
	char uri[DENCRYPT_TOKEN_URI_SIZE];
	enum dencrypt_result result = dencrypt_token_uri(t, id, uri);

	return result == DENCRYPT_OK ? dencrypt_engine_key(uri, t->pin, key) : result;
}

enum dencrypt_result dencrypt_token_put(struct dencrypt_token *t, const char *label, const char *id,
					const struct dencrypt_certificate *certificate)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	unsigned char *der = NULL, *subject = NULL, *issuer = NULL, *serial = NULL;
	X509 *x509 = certificate->x509;
	int size = i2d_X509(x509, &der), subject_size = i2d_X509_NAME(X509_get_subject_name(x509), &subject);
	int issuer_size = i2d_X509_NAME(X509_get_issuer_name(x509), &issuer);
	int serial_size = i2d_ASN1_INTEGER(X509_get_serialNumber(x509), &serial);
	enum dencrypt_result result = DENCRYPT_NO_MEMORY;
	CK_OBJECT_HANDLE object;

	if (size > 0 && subject_size > 0 && issuer_size > 0 && serial_size > 0) {
		CK_ATTRIBUTE attributes[] = {ATTRIBUTE(CKA_CLASS, class), ATTRIBUTE(CKA_CERTIFICATE_TYPE, type),
			ATTRIBUTE(CKA_TOKEN, yes), ATTRIBUTE(CKA_PRIVATE, no), TEXT(CKA_LABEL, label), TEXT(CKA_ID, id),
			{CKA_VALUE, der, (CK_ULONG)size}, {CKA_SUBJECT, subject, (CK_ULONG)subject_size},
			{CKA_ISSUER, issuer, (CK_ULONG)issuer_size}, {CKA_SERIAL_NUMBER, serial, (CK_ULONG)serial_size}};

		result = result_of(t->module->C_CreateObject(t->session, attributes,
			sizeof(attributes) / sizeof(attributes[0]), &object));
	}
	OPENSSL_free(der);
	OPENSSL_free(subject);
	OPENSSL_free(issuer);
	OPENSSL_free(serial);
	return result == DENCRYPT_NO_MEMORY ? dencrypt_failure(result) : result;
}
