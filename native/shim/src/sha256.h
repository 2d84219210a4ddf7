/* SHA-256, for the names of sockets. */
#ifndef SHA256_H
#define SHA256_H

#include "base.h"

void sha256_hex(const void *data, size_t len, char out[65]);

#endif
