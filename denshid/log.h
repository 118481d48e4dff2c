/*
 * Messages of denshid: to syslog, and to stderr where it stays in the foreground.
 * Audit records (R-ALL-3) are one line of KEY=VALUE; a value never holds a secret,
 * nor a name that the directory doesn't know: people type passwords there.
 */
#ifndef DENSHI_DENSHID_LOG_H
#define DENSHI_DENSHID_LOG_H

void log_open(int foreground, int debug);

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Logs and exits with status 1. */
void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Where audit records go besides, from now on (chain.h). */
void log_keep(void (*keep)(const char *record));

/* Pairs of key and value, ended by NULL; a NULL or empty value is left out. */
void log_audit(const char *event, ...) __attribute__((sentinel));

#endif
