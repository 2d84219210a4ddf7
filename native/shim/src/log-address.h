/* Where a log is sent: unix:///path, unixgram:///path, tcp://1.2.3.4:5, udp://[::1]:5. */
#ifndef LOG_ADDRESS_H
#define LOG_ADDRESS_H

#include "base.h"

#include <sys/socket.h>
#include <sys/un.h>

struct log_address {
	int type; /* SOCK_STREAM or SOCK_DGRAM */
	socklen_t len;
	struct sockaddr_storage at;
	char text[160]; /* as it was given, for messages */
};

/* Names of machines are not resolved, but for localhost: that can take a while, and needs what a static program has not. */
int log_address_parse(const char *text, uint16_t port, struct log_address *a, struct err *e);

#endif
