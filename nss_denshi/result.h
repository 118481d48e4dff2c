/* The only place that chooses NSS_STATUS_ and errno values. */
#ifndef DENSHI_NSS_RESULT_H
#define DENSHI_NSS_RESULT_H

#include <nss.h>

/*
 * Turns 0 or a negative errno value of this module or of the reader into what glibc is told:
 *	0		SUCCESS, *ERRNOP left alone
 *	-ENOENT		NOTFOUND
 *	-ERANGE		TRYAGAIN: come again with a larger buffer
 *	-ENOMEM		TRYAGAIN
 *	all else	UNAVAIL: no sound snapshot to answer from
 */
enum nss_status nss_denshi_result(int r, int *errnop);

/* What nss_denshi_enter() sets where there is no snapshot at all: no errno value. */
#define NSS_DENSHI_NO_SNAPSHOT 4096

#endif
