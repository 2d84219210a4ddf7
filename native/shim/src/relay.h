/* Moves bytes from one fd to another within the event loop, never more than it can place. */
#ifndef RELAY_H
#define RELAY_H

#include "loop.h"

struct relay {
	struct loop *loop;
	struct source in, out;
	bool splice;   /* by reference in the kernel; otherwise read and write */
	bool ending;   /* stop when the source is empty */
	bool no_swallow; /* finish when the destination fails, rather than swallow the rest */
	bool done;
	uint8_t *held; /* read but not written yet */
	size_t held_at, held_len;
	void (*finished)(struct relay *r, void *owner);
	void *owner;
};

/* Takes both fds; moves nothing before relay_begin. `out` of -1 swallows everything. */
struct relay *relay_new(struct loop *l, int in, int out, bool splice, void (*finished)(struct relay *, void *),
			void *owner);
void relay_begin(struct relay *r);
/* Passes on what is there now, then finishes. */
void relay_end(struct relay *r);
void relay_free(struct relay *r);

#endif
