/*
 * The process's mapping of the snapshot in force.
 *
 * Every lookup goes in, reads, and goes out again; in between the snapshot it was given stays
 * mapped. Going in costs an addition to a counter that is the thread's own and a look at the
 * snapshot's superseded word. When that is set, the file is opened anew, by whoever comes first;
 * the old mapping goes away when every thread that might have seen it has gone out. There is no
 * lock that a fork could leave held, and nothing here makes a system call while the snapshot stays
 * in force.
 */
#ifndef DENSHI_NSS_MAPPING_H
#define DENSHI_NSS_MAPPING_H

#include <stdint.h>

#include "core/snapshot.h"

/* The ordinary model crashes static-pie programs on Debian 12's glibc. */
#define NSS_DENSHI_THREAD __thread __attribute__((tls_model("initial-exec")))

/*
 * The snapshot in force, or NULL with a negative value for nss_denshi_result() in *R. Unless it is
 * NULL the caller calls nss_denshi_leave(). *GENERATION, if asked for, tells one mapping of
 * this process from another; it is never 0.
 */
const struct den_snapshot *nss_denshi_enter(uint64_t *generation, int *r);
void nss_denshi_leave(void);

#endif
