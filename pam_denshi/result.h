/*
 * The only place that chooses PAM_* for an answer of denshid. What has no row is
 * a refusal.
 */
#ifndef DENSHI_PAM_RESULT_H
#define DENSHI_PAM_RESULT_H

#include "core/text.h"
#include "pam_denshi/args.h"

/* The return code of a phase for an answer; PAM_SUCCESS only for the phase's own
 * success. Thread rule: pure. */
int denpam_result(enum denpam_phase phase, enum den_code code);

/* The same for PAM_PRELIM_CHECK, where a failure is PAM_TRY_AGAIN (pam_sm_chauthtok(3)). */
int denpam_result_prelim(enum den_code code);

#endif
