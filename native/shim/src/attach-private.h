/* Shared by the attach-*.c files only. */
#ifndef ATTACH_PRIVATE_H
#define ATTACH_PRIVATE_H

#include "attach.h"

struct client {
	struct client *next;
	struct attach *attach;
	struct source src;
	size_t sent;     /* of the frame that is held */
	bool deaf;       /* it takes no output any more */
	bool hung;       /* it has gone; what it sent may still have to be read */
	bool mute;       /* nothing will come from it any more */
	bool gives;      /* it is one that gives input */
	struct attach_reader reader;
};

struct attach {
	struct shim *s;
	char *path;
	struct source listener;
	struct timer accept_again;
	struct client *clients;
	size_t count;
	struct buf held; /* the frame that some client has not taken yet */
	struct buf input; /* what the process's stdin has not taken yet */
	size_t input_at;
	struct source in; /* the process's stdin */
	bool once;
	bool input_ending;
	bool forced, ended;
	bool told; /* of the end */
	struct attach_owner owner;
};

/* Looks after all clients once something has changed. May call the owner: the last thing that a caller does. */
void attach_settle(struct attach *a);
/* Reads what a client has sent, once. */
void client_read(struct client *c);
/* Writes what waits, watches for room, ends what is to end. */
void input_settle(struct attach *a);
/* Whether more input can be taken from clients. */
bool input_open(const struct attach *a);

#endif
