#include "actions.h"

#include <errno.h>
#include <unistd.h>

int print(const void *data, size_t len, struct err *e)
{
	const uint8_t *p = data;
	while (len) {
		ssize_t n = write(1, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "write to stdout");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
