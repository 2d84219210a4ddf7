/* Output that the shim itself reads: each piece goes to the log, then to whoever is attached. */
#ifndef FEED_H
#define FEED_H

#include "shim.h"
#include "uri.h"

struct feed;

struct feed_options {
	const struct uri *uri;  /* log://… */
	const char *container;  /* id */
	const char *stdin_path; /* of attach://<path>; NULL: input does not come from who is attached */
	const char *note;       /* file for the path of the attach socket, for who cleans up after us; NULL: there may be none */
	bool terminal;
};

/* `finished` is called once all output has been logged and given to who was attached. */
struct feed *feed_open(struct shim *s, const struct feed_options *o, void (*finished)(void *owner), void *owner, struct err *e);
/* Takes the fd; n is 1 or 2. Nothing is read before feed_begin. */
void feed_output(struct feed *f, int n, int fd);
/* Takes the process's stdin. */
void feed_input(struct feed *f, int fd);
void feed_begin(struct feed *f);
/* Passes on what clients have sent, then ends the process's stdin. */
void feed_end_input(struct feed *f);
/* The process has gone: what it wrote is logged now, before its end is told, so that who hears of that finds all of the log. Who is
   attached is not waited for any more: the kernel keeps what they have not read yet. */
void feed_exited(struct feed *f);
/* The log is not waited for any more either. */
void feed_force(struct feed *f);
void feed_free(struct feed *f);

/* Removes the socket of a shim that is dead, as its note says. */
void feed_clean_up(const char *note);

#endif
