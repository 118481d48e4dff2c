/*
 * A PKCS#11 token (RFC 7512, found through p11-kit): keys are made in it and never leave it; OpenSSL signs
 * with them through its engine for PKCS#11 (crypto/proof.h). A key pair and its certificate have the same
 * label and the same id, which is the caller's text: what is still without its certificate waits for it, and
 * is found again by label and id, whatever ended the program in between.
 *
 * Thread rule: one thread.
 */
#ifndef DENSHI_CRYPTO_TOKEN_H
#define DENSHI_CRYPTO_TOKEN_H

#include <stdbool.h>

#include "crypto/certificate.h"
#include "crypto/csr.h"
#include "crypto/result.h"

#define DENCRYPT_TOKEN_ID_SIZE 128 /* with NUL */
#define DENCRYPT_TOKEN_URI_SIZE 1024

struct dencrypt_token;

/*
 * The one initialised token that `name` is the label or the URI of. DENCRYPT_NO_TOKEN,
 * DENCRYPT_SEVERAL_TOKENS, DENCRYPT_NO_ENGINE. Closed, and logged out of, by dencrypt_token_close() (NULL allowed).
 */
enum dencrypt_result dencrypt_token_find(const char *name, struct dencrypt_token **out);
void dencrypt_token_close(struct dencrypt_token *token);

/* As its user: once, before all that follows. DENCRYPT_WRONG_PIN also where it is locked. The PIN stays the
 * caller's, and must live as long as the token is open: OpenSSL's engine is given it again. */
enum dencrypt_result dencrypt_token_login(struct dencrypt_token *token, const char *pin);

/* The URI of the objects with this id (NULL: of the token); DENCRYPT_BAD_ARGUMENT where it is too long. */
enum dencrypt_result dencrypt_token_uri(struct dencrypt_token *token, const char *id,
					char out[DENCRYPT_TOKEN_URI_SIZE]);

/* A new key pair in the token, for signatures, that can't be read out. DENCRYPT_TOKEN_REFUSED. */
enum dencrypt_result dencrypt_token_make_key(struct dencrypt_token *token, enum dencrypt_key_type type,
					     const char *label, const char *id);

/*
 * The id of a whole key pair of this label that has no certificate, and that `wanted` takes; "" where there is
 * none. Half a pair of such an id, as an interruption leaves it, is removed.
 */
enum dencrypt_result dencrypt_token_waiting(struct dencrypt_token *token, const char *label,
					    bool (*wanted)(const char *id), char id[DENCRYPT_TOKEN_ID_SIZE]);

/* The key of this id, to sign with; freed before the token is closed. DENCRYPT_NO_ENGINE. */
enum dencrypt_result dencrypt_token_key(struct dencrypt_token *token, const char *id, struct dencrypt_key **key);

/* Puts the certificate beside its key. DENCRYPT_TOKEN_REFUSED. */
enum dencrypt_result dencrypt_token_put(struct dencrypt_token *token, const char *label, const char *id,
					const struct dencrypt_certificate *certificate);

/* Removes whatever has this label and this id. */
enum dencrypt_result dencrypt_token_drop(struct dencrypt_token *token, const char *label, const char *id);

#endif
