/* Delivers events to the daemon, in order, and keeps them while it is away. */
#ifndef PUBLISHER_H
#define PUBLISHER_H

#include "shim.h"

struct publisher;

/* ttrpc: path of the daemon's ttrpc socket. With an empty one events go through
   `binary --address grpc publish`. */
struct publisher *publisher_new(struct shim *s, const char *ttrpc, const char *grpc, const char *binary);
/* Never blocks and never fails: of more than 2048 undelivered events the oldest are dropped, with a line in the log. */
void publisher_send(struct publisher *p, const char *topic, const char *type_url, const struct buf *message);
/* In a coroutine: waits until all is delivered, or `ms`. */
bool publisher_flush(struct publisher *p, int ms);

#endif
