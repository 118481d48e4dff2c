/*
 * One user update at a time: who runs one holds the pointer's denshiRunner, a name of its
 * own with a heartbeat, and only its holder can move the pointer. No clock is
 * compared: a runner whose heartbeat stands still for RUNNER_DEAD_MS is dead, and
 * its place is taken, by naming the value that stood still.
 *
 * Thread rule: one thread at a time per runner.
 */
#ifndef DENSHI_DIRECTORY_UPDATE_RUNNER_H
#define DENSHI_DIRECTORY_UPDATE_RUNNER_H

#include "directory/connection.h"

#define RUNNER_BEAT_MS 1000
#define RUNNER_DEAD_MS 5000

struct runner {
	struct dendir *host, *master;
	int64_t from; /* the serial that the run starts from */
	char name[12];
	unsigned beats;
	int64_t last_beat_ms;
};

/* DEN_UPDATE_RUNNING where somebody is alive in the place, and the pointer still at
 * r->from; takes a second or two where there is anybody. */
enum den_code runner_look(struct runner *r);

/*
 * Takes the place. DEN_UPDATE_RUNNING where somebody is alive in it,
 * DEN_UPDATE_CHANGED_MEANWHILE where the pointer isn't at r->from any more. May wait
 * for RUNNER_DEAD_MS.
 */
enum den_code runner_claim(struct runner *r);

/* Shows that this run is alive, when it is time to. DEN_UPDATE_CHANGED_MEANWHILE
 * where the place was taken over. */
enum den_code runner_beat(struct runner *r);

/* The same at once: that the place is still this run's. */
enum den_code runner_confirm(struct runner *r);

/* Moves the pointer to r->from + 1 and leaves the place, in one Modify: from now on,
 * and only now, the update is in force. */
enum den_code runner_advance(struct runner *r);

/* Leaves the place without moving the pointer, for a run that failed. */
void runner_leave(struct runner *r);

#endif
