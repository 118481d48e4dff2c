/* Whether a configuration file sets anything: blank lines and comments don't. */
#ifndef DENSHI_SERVER_SETTINGS_H
#define DENSHI_SERVER_SETTINGS_H

/* 1 where a line of text sets something. */
int settings_are_in_text(const char *text);
/* The same of a file; 0 also where there is none; -1 with errno. */
int settings_are_in(const char *path);

#endif
