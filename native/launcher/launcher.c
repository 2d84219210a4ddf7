/* What stands in bin/ under the names of the programs: sets how the engine compiles JavaScript, which only the
   environment can say before it starts, and becomes the program of that name in lib/berth. One exec, no child: process
   number, terminal and signals stay what they are. docs/decisions/0021-launchers.md has the figures. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct setting {
	const char *name, *value;
};

/* A command is over before what was compiled pays. What runs a hundred thousand times is compiled all the same. */
static const struct setting of_commands[] = {
	{ "BUN_JSC_thresholdForJITAfterWarmUp", "100000" },
	{ "BUN_JSC_thresholdForJITSoon", "100000" },
	{ NULL, NULL },
};

/* A daemon does little at a time, the same for days: what is done often is compiled early. */
static const struct setting of_daemon[] = {
	{ "BUN_JSC_jitPolicyScale", "0.3" },
	{ NULL, NULL },
};

static const struct setting none[] = { { NULL, NULL } };

static const struct {
	const char *name;
	const struct setting *settings;
} programs[] = {
	{ "containerd", of_daemon },
	{ "ctr", of_commands },
	{ "nerdctl", of_commands },
	{ "ctd-decoder", none },
};
#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

/* Under any other name it is the first of them, which looks at its first word. */
static size_t program_called(const char *path)
{
	const char *slash = strrchr(path, '/');
	for (size_t i = 0; i < PROGRAMS; i++)
		if (strcmp(slash ? slash + 1 : path, programs[i].name) == 0)
			return i;
	return 0;
}

/* bin/../lib/berth/NAME beside this file, wherever links to it stand. */
static int find(char *out, size_t size, const char *name)
{
	char own[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
	if (len < 0)
		return -1;
	own[len] = 0;
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(own, '/');
		if (!slash) {
			errno = ENOENT;
			return -1;
		}
		*slash = 0;
	}
	if ((size_t)snprintf(out, size, "%s/lib/berth/%s", own, name) < size)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];
	size_t i = program_called(argc > 0 ? argv[0] : "");
	for (const struct setting *s = programs[i].settings; s->name; s++)
		setenv(s->name, s->value, 0); /* what the user has set stays */
	if (find(path, sizeof(path), programs[i].name) < 0)
		snprintf(path, sizeof(path), "/proc/self/exe");
	else
		execv(path, argv);
	fprintf(stderr, "%s: %s: %s\n", programs[i].name, path, strerror(errno));
	return 127;
}
