/* SIGINT, SIGTERM and SIGHUP end a program between two steps, so that nothing half-made stays. */
#ifndef DENSHI_SERVER_INTERRUPT_H
#define DENSHI_SERVER_INTERRUPT_H

/* From here on they only are remembered. */
void interrupt_hold(void);
/* The number of the one that came, or 0. */
int interrupt_came(void);

#endif
