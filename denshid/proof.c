#include "denshid/proof.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "crypto/digest.h"
#include "crypto/proof.h"
#include "denshid/log.h"

#define PLACES 128
/* To find the PIN and type it; and from there to the end of the login. */
#define ANSWER_WITHIN_MS 120000
#define PROVEN_FOR_MS 300000

struct place {
	int64_t until_ms; /* 0: free */
	int proven;
	char login[DEN_LOGIN_ID_SIZE];
	unsigned char challenge[DENCRYPT_CHALLENGE_SIZE];
};

struct proofs {
	pthread_mutex_t lock;
	size_t next; /* the place to be written next: the oldest */
	struct place places[PLACES];
};

struct proofs *proofs_new(void)
{
	struct proofs *p = calloc(1, sizeof(*p));

	if (p)
		pthread_mutex_init(&p->lock, NULL);
	return p;
}

enum den_code proof_ask(struct call *c, const char *login)
{
	struct proofs *p = c->shared->proofs;
	struct place fresh = {.until_ms = den_now_ms() + ANSWER_WITHIN_MS};

	if (dencrypt_random(fresh.challenge, sizeof(fresh.challenge)) != DENCRYPT_OK)
		return DEN_INTERNAL;
	memcpy(fresh.login, login, strlen(login) + 1);
	pthread_mutex_lock(&p->lock);
	p->places[p->next] = fresh;
	p->next = (p->next + 1) % PLACES;
	pthread_mutex_unlock(&p->lock);
	den_message_add(c->out, DEN_TAG_CHALLENGE, fresh.challenge, sizeof(fresh.challenge));
	return DEN_PROOF_WANTED;
}

/* The place of the request's challenge, where it is this login's and not too old. Locked. */
static struct place *find(struct call *c, const char *login)
{
	struct proofs *p = c->shared->proofs;
	size_t len = 0;
	const void *wanted = den_message_bytes(c->in, DEN_TAG_CHALLENGE, &len);

	if (!wanted || len != DENCRYPT_CHALLENGE_SIZE)
		return NULL;
	for (size_t i = 0; i < PLACES; i++) {
		struct place *at = &p->places[i];

		if (at->until_ms > den_now_ms() && strcmp(at->login, login) == 0 &&
			memcmp(at->challenge, wanted, len) == 0)
			return at;
	}
	return NULL;
}

int proof_is_given(struct call *c, const char *login)
{
	struct proofs *p = c->shared->proofs;
	struct place *at;
	int given;

	pthread_mutex_lock(&p->lock);
	at = find(c, login);
	given = at && at->proven;
	pthread_mutex_unlock(&p->lock);
	return given;
}

/* One answer a challenge: it is taken out, whatever comes of it. */
static int take_out(struct call *c, const char *login)
{
	struct proofs *p = c->shared->proofs;
	struct place *at;
	int found;

	pthread_mutex_lock(&p->lock);
	at = find(c, login);
	found = at && !at->proven;
	if (found)
		at->until_ms = 0;
	pthread_mutex_unlock(&p->lock);
	return found;
}

static void put_proven(struct call *c, const char *login, const unsigned char *challenge)
{
	struct proofs *p = c->shared->proofs;
	struct place proven = {.until_ms = den_now_ms() + PROVEN_FOR_MS, .proven = 1};

	memcpy(proven.login, login, strlen(login) + 1);
	memcpy(proven.challenge, challenge, sizeof(proven.challenge));
	pthread_mutex_lock(&p->lock);
	p->places[p->next] = proven;
	p->next = (p->next + 1) % PLACES;
	pthread_mutex_unlock(&p->lock);
}

enum den_code login_prove(struct call *c)
{
	char login[DEN_LOGIN_ID_SIZE];
	struct view_user user;
	size_t len = 0;
	enum den_code code;

	if (!call_login(c, login) || !view_user_by_login(c->shared->view, login, &user))
		return DEN_CERT_NONE_SHOWN;
	code = call_needs_root_or(c, login);
	if (code == DEN_OK && !take_out(c, login))
		code = DEN_CERT_PROOF_LATE;
	if (code == DEN_OK)
		code = certificate_check_proof(c, login);
	if (code == DEN_OK)
		put_proven(c, login, den_message_bytes(c->in, DEN_TAG_CHALLENGE, &len));
	log_audit("certificate", "user", login, "result", den_code_name(code), "service",
		call_string(c, DEN_TAG_SERVICE), "tty", call_string(c, DEN_TAG_TTY), NULL);
	return code;
}
