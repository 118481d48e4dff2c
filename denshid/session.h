/*
 * Login sessions and, within each, its approval session (R-LOGOUT-1): one small
 * file a session in a folder that only denshid reads, so that a restart of denshid
 * ends nobody's. A session's name, its token, is told to the session's programs in
 * DENSHI_SESSION; it names, the kernel's uid proves.
 */
#ifndef DENSHI_DENSHID_SESSION_H
#define DENSHI_DENSHID_SESSION_H

#include "denshid/call.h"

/* Makes the folder beside the socket; exits with a message where it can't. */
void session_folder(struct denshid *shared);

/* DEN_OK where the request's TOKEN is an open approval session of the one who asks. */
enum den_code session_check(struct call *c);

#endif
