/* containerd-shim-runc-v2: starts containers through an OCI runtime and stays with them.
 * start.c forks the server (serve.c); requests come in by service.c and are answered in task-*.c. */
#include "actions.h"

#include <string.h>
#include <unistd.h>

static int act(const struct args *a, struct err *e)
{
	if (a->version)
		return action_version();
	if (a->info)
		return action_info(a, e);
	if (strcmp(a->action, "start") == 0)
		return action_start(a, e);
	if (strcmp(a->action, "delete") == 0)
		return action_delete(a, e);
	return err_set(e, CODE_INVALID_ARGUMENT, "unknown action \"%s\", want start or delete", a->action);
}

int main(int argc, char **argv)
{
	struct args args;
	struct err e = { 0 };
	if (args_parse(&args, argc, argv, &e) == 0 && act(&args, &e) == 0)
		return 0;
	AUTO_FREE char *line = xprintf(SHIM_NAME ": %s\n", e.msg);
	if (write(2, line, strlen(line)) < 0)
		return 2;
	return 1;
}
