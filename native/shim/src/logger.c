#include "logger.h"

#include "child.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define READY_MS 10000
/* A logger that follows its input to the end needs no signal: it is given this long to do so. */
#define FOLLOW_MS 500
#define TERM_MS 12000

struct logger {
	struct child child;
};

/* The fds that become 3, 4 and 5 must not be in each other's way. */
static int high(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 10);
}

static int spawn_logger(struct shim *s, struct logger *lg, const struct uri *u, const char *id, const int fds[3],
			struct err *e)
{
	AUTO_FREE const char **argv = xalloc((u->arg_count + 2) * sizeof(*argv));
	argv[0] = u->path;
	for (size_t i = 0; i < u->arg_count; i++)
		argv[i + 1] = u->args[i];
	AUTO_FREE char *env_id = xprintf("CONTAINER_ID=%s", id);
	AUTO_FREE char *env_ns = xprintf("CONTAINER_NAMESPACE=%s", s->namespace);
	char *env[] = { env_id, env_ns, NULL };
	AUTO_FD out = high(fds[0]);
	AUTO_FD err = high(fds[1]);
	AUTO_FD ready = high(fds[2]);
	struct spawn sp = { .argv = argv, .env = env, .fds = { -1, -1, -1, out, err, ready } };
	if (child_spawn(s, &lg->child, &sp, e) < 0)
		return err_wrap(e, "failed to start binary process");
	return 0;
}

/* One that has ended by itself is waited for already: its number may be another's. */
static void logger_kill(struct shim *s, struct logger *lg)
{
	if (!lg->child.exited)
		kill(lg->child.pid, SIGKILL);
	child_wait(s, &lg->child, -1);
	free(lg);
}

struct logger *logger_start(struct shim *s, const struct uri *u, const char *id, int out, int err, struct err *e)
{
	int ready[2];
	if (pipe2(ready, O_CLOEXEC) < 0) {
		err_sys(e, "failed to create pipe for the logging binary");
		return NULL;
	}
	AUTO_FD from = ready[0];
	AUTO_FD to = ready[1];
	struct logger *lg = xalloc(sizeof(*lg));
	if (spawn_logger(s, lg, u, id, (int[]){ out, err, to }, e) < 0) {
		free(lg);
		return NULL;
	}
	close_fd(&to);
	bool in_time = co_wait_fd(s->loop, from, EPOLLIN, READY_MS);
	if (in_time && (!u->says_ready || read(from, &(char){ 0 }, 1) == 1))
		return lg;
	logger_kill(s, lg);
	if (in_time)
		err_set(e, CODE_UNKNOWN, "logging binary %s ended its start without a word", u->path);
	else
		err_set(e, CODE_UNKNOWN, "logging binary %s was not ready within %d seconds", u->path, READY_MS / 1000);
	return NULL;
}

void logger_stop(struct shim *s, struct logger *lg)
{
	if (!child_wait(s, &lg->child, FOLLOW_MS))
		kill(lg->child.pid, SIGTERM);
	if (!child_wait(s, &lg->child, TERM_MS)) {
		log_warn(s, "failed to wait for the logger process %d to exit, killing", (int)lg->child.pid);
		kill(lg->child.pid, SIGKILL);
		child_wait(s, &lg->child, -1);
	}
	free(lg);
}
