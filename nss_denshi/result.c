#include "nss_denshi/result.h"

#include <errno.h>

enum nss_status nss_denshi_result(int r, int *errnop)
{
	switch (r) {
	case 0:
		return NSS_STATUS_SUCCESS;
	case -ENOENT:
		*errnop = ENOENT;
		return NSS_STATUS_NOTFOUND;
	case -ERANGE:
	case -ENOMEM:
		*errnop = -r;
		return NSS_STATUS_TRYAGAIN;
	case -NSS_DENSHI_NO_SNAPSHOT:
		/* as if nobody were known: getpwnam(3) tells "no such user" and not an error */
		*errnop = ENOENT;
		return NSS_STATUS_UNAVAIL;
	default:
		*errnop = EIO;
		return NSS_STATUS_UNAVAIL;
	}
}
