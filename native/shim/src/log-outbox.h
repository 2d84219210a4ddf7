/* Messages on their way to a log server: kept, within bounds, while it is slow or away. */
#ifndef LOG_OUTBOX_H
#define LOG_OUTBOX_H

#include "log-address.h"
#include "log-driver.h"

struct outbox {
	struct log_sink *sink;
	struct log_address to;
	struct source src;
	struct timer retry;
	unsigned delay;   /* before the next attempt to connect */
	bool connecting;
	bool keeps;       /* a full outbox holds the process up although the server is away */
	bool never_holds; /* a full outbox loses what comes */
	size_t limit;
	struct buf queue; /* each message with its length before it */
	size_t at;        /* the first that is not sent … */
	size_t part;      /* … and how much of it is */
	uint64_t lost;
	bool told;        /* that messages are lost */
};

/* Reads `mode` and `max-buffer-size`. */
int outbox_options(struct outbox *o, struct log_options *options, struct err *e);
/* Waits for the connection, as far as there is one to wait for. In a coroutine. */
int outbox_connect(struct outbox *o, struct err *e);
/* Will connect when there is something to send. */
void outbox_begin(struct outbox *o, struct log_sink *sink);
void outbox_add(struct outbox *o, const void *message, size_t len);
void outbox_flush(struct outbox *o);
bool outbox_full(const struct outbox *o);
bool outbox_empty(const struct outbox *o);
void outbox_close(struct outbox *o);

#endif
