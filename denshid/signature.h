/*
 * Signatures of decisions (R-APP-1): by the key of the certificate that the approver had on record when
 * it was decided. Checked before one is written, and again whenever an approval is used.
 */
#ifndef DENSHI_DENSHID_SIGNATURE_H
#define DENSHI_DENSHID_SIGNATURE_H

#include "core/request.h"
#include "denshid/call.h"

/* den_world's `signature`. A decision that isn't written yet is one of now. */
enum den_code signature_check(struct dendir *d, int64_t now, const struct den_request *r,
	const struct den_decision *decision);

/* The decision's signature, of REQUEST_DECIDE's TIME and SIGNATURE and the certificate on record; "" where
 * none was given. */
enum den_code signature_take(struct call *c, struct dendir *d, struct den_decision *decision);

#endif
