/*
 * Telling the approvers of a new request (R-APP-6): denshid runs no program itself. It leaves a
 * notice (core/notice.h), and denshi-notice(8), which has none of its rights, does.
 */
#ifndef DENSHI_DENSHID_NOTICE_H
#define DENSHI_DENSHID_NOTICE_H

#include "core/approval.h"
#include "denshid/call.h"

/* Where the configuration names a program. Whatever goes wrong is logged; the request stands. */
void notice_leave(struct call *c, struct dendir *d, const struct den_rules *rules, const struct den_request *r);

#endif
