/* Engines are deprecated, and what Debian has for PKCS#11 with OpenSSL. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <stdlib.h>

#include <openssl/engine.h>
#include <openssl/ui.h>
#include <openssl/x509.h>

#include "crypto/internal.h"
#include "crypto/proof.h"

/* Once, and to the end of the program: its keys need it, and libp11 doesn't give back all that it
 * took. NULL where it isn't installed. */
static ENGINE *load_engine(void)
{
	static ENGINE *engine;

	if (engine)
		return engine;
	ENGINE_load_builtin_engines();
	engine = ENGINE_by_id("pkcs11");
	if (engine && ENGINE_init(engine) != 1) {
		ENGINE_free(engine);
		engine = NULL;
	}
	return engine;
}

static ENGINE *engine_with(const char *pin)
{
	ENGINE *engine = load_engine();

	return engine && ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0) == 1 ? engine : NULL;
}

static X509 *certificate_on(ENGINE *engine, const char *uri)
{
	struct {
		const char *uri;
		X509 *certificate;
	} wanted = {uri, NULL};

	return ENGINE_ctrl_cmd(engine, "LOAD_CERT_CTRL", 0, &wanted, NULL, 1) == 1 ? wanted.certificate : NULL;
}

enum dencrypt_result dencrypt_engine_key(const char *uri, const char *pin, struct dencrypt_key **key)
{
	ENGINE *engine = engine_with(pin);
	EVP_PKEY *pkey = engine ? ENGINE_load_private_key(engine, uri, NULL, NULL) : NULL;

	if (!pkey)
		return dencrypt_failure(engine ? DENCRYPT_WRONG_PIN : DENCRYPT_NO_ENGINE);
	return dencrypt_key_wrap(pkey, key);
}

bool dencrypt_engine_there(void)
{
	return load_engine() != NULL;
}

enum dencrypt_result dencrypt_token_open(const char *uri, const char *pin, struct dencrypt_key **key,
					 struct dencrypt_certificate **certificate)
{
	ENGINE *engine = engine_with(pin);
	X509 *x509 = engine ? certificate_on(engine, uri) : NULL;
	EVP_PKEY *pkey = x509 ? ENGINE_load_private_key(engine, uri, NULL, NULL) : NULL;
	/* An engine's key doesn't tell its curve: the certificate does, and the key must be its. */
	enum dencrypt_result result = !x509 ? DENCRYPT_IO :
		!pkey ? DENCRYPT_WRONG_PIN : dencrypt_key_allowed(X509_get0_pubkey(x509));

	*key = NULL;
	*certificate = NULL;
	if (result == DENCRYPT_OK) {
		result = dencrypt_key_wrap(pkey, key);
		pkey = NULL;
	}
	if (result == DENCRYPT_OK) {
		result = dencrypt_certificate_wrap(x509, certificate);
		x509 = NULL;
	}
	if (result == DENCRYPT_OK)
		result = dencrypt_key_matches(*key, *certificate);
	if (result != DENCRYPT_OK) {
		dencrypt_key_free(*key);
		dencrypt_certificate_free(*certificate);
		*key = NULL;
		*certificate = NULL;
	}
	X509_free(x509);
	EVP_PKEY_free(pkey);
	return result == DENCRYPT_OK ? result : dencrypt_failure(result);
}
