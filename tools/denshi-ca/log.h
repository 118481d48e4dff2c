/* One line an event, `what name=value ...`, to syslog or to standard error; never a secret. */
#ifndef DENSHI_CA_LOG_H
#define DENSHI_CA_LOG_H

/* foreground: to standard error. */
void log_open(int foreground);
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
