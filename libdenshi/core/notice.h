/*
 * What denshid leaves for denshi-notice(8) when a request is entered: a file named by the request's
 * ID in a folder beside the socket, of lines KEY VALUE:
 *
 *   request, business, account, amount, need, maker, host, expires (UTC), digest (short)
 *   approver LOGIN LANGUAGE MAIL      once for each who may decide it; MAIL is "-" where there is none
 *
 * The subject isn't among them: what leaves the host by mail or chat tells no more than that
 * something waits. A file whose name begins with a dot isn't whole yet.
 *
 * Thread rule: pure functions, no state.
 */
#ifndef DENSHI_CORE_NOTICE_H
#define DENSHI_CORE_NOTICE_H

#include <stddef.h>

#define DEN_NOTICE_BYTES 65536 /* of one, at most */
#define DEN_NOTICE_APPROVERS 256 /* named in one, at most */
#define DEN_NOTICES_MAX 1000	 /* that wait; beyond, none is left */

/* Of a denshid that answers at socket. -1 where it doesn't fit. */
int den_notice_folder(char *buf, size_t size, const char *socket);

#endif
