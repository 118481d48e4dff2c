/*
 * Messages and questions of the programs that run on the directory's machine:
 * text.def rows in the language of the run, to standard output, standard error
 * and the terminal.
 */
#ifndef DENSHI_SERVER_TERMINAL_H
#define DENSHI_SERVER_TERMINAL_H

#include <stdarg.h>
#include <stddef.h>

#include "core/secret.h"
#include "core/text.h"

/* ap: up to DEN_TEXT_ARGS_MAX strings, NULL at the end. */
void terminal_say(enum den_lang lang, enum den_code code, va_list ap);
/* To standard error, after the program's name, with the stable name; returns -1. */
int terminal_fail(enum den_lang lang, const char *program, enum den_code code, va_list ap);
/* y or yes on the terminal: 1. Without a terminal, or otherwise: 0. */
int terminal_confirm(enum den_lang lang, enum den_code question);
/* A line from the terminal. -1 where there is no terminal, or nothing entered. */
int terminal_ask(enum den_lang lang, enum den_code label, char *buf, size_t size);
/* The same without echo. -1 with errno; ENXIO or ENOENT where there is no terminal. */
int terminal_ask_secret(enum den_lang lang, enum den_code label, struct den_secret *secret);

#endif
