/*
 * Challenges for the proof of a certificate where there is no sshd to give one (R-LOGIN-1): each
 * is for one login, for a short time, and for one answer. A proven one stands for the certificate
 * through the rest of that login. Thread rule: every function may be called by any thread.
 */
#ifndef DENSHI_DENSHID_PROOF_H
#define DENSHI_DENSHID_PROOF_H

#include "denshid/call.h"

/* NULL without memory. */
struct proofs *proofs_new(void);

/* Adds a fresh CHALLENGE to the reply: DEN_PROOF_WANTED; otherwise DEN_INTERNAL. */
enum den_code proof_ask(struct call *c, const char *login);

/* 1 where the request's CHALLENGE was proven for this login. */
int proof_is_given(struct call *c, const char *login);

#endif
