/* The socket through which a runtime hands over a terminal's master. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include "shim.h"

struct console {
	int fd;
	char *path; /* NULL: none */
};

int console_listen(struct console *c, struct err *e);
/* The master; call it when the runtime has succeeded. In a coroutine. */
int console_receive(struct shim *s, struct console *c, struct err *e);
void console_close(struct console *c);

#endif
