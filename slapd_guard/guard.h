/* The parts of denshi-guard. */
#ifndef DENSHI_SLAPD_GUARD_GUARD_H
#define DENSHI_SLAPD_GUARD_GUARD_H

/* The overlay's name in cn=config. */
#define GUARD_OVERLAY "denshi-guard"

/* Registers the overlay, which answers for itself from then on. 0 or -1. */
int password_overlay(void);

#endif
