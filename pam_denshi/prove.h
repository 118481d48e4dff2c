/*
 * The proof of the certificate on a terminal: denshi-prove, run with the user's own rights, signs
 * denshid's challenge with the user's file or token. This module carries neither key nor OpenSSL.
 */
#ifndef DENSHI_PAM_PROVE_H
#define DENSHI_PAM_PROVE_H

#include "pam_denshi/call.h"

/* Whether this program can run one as the user, for somebody at this machine: it is root's, and
 * the user isn't elsewhere (PAM_RHOST). */
int denpam_can_prove(struct denpam_call *call);

/* asked is BEGIN's PROOF_WANTED. Asks for the PIN; PAM_SUCCESS, or a refusal that was told. */
int denpam_prove(struct denpam_call *call, const struct den_message *asked);

#endif
