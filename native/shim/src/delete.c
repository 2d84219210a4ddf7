#include "actions.h"
#include "child.h"
#include "feed.h"
#include "file.h"
#include "mount.h"
#include "runc.h"
#include "socket.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

struct delete {
	struct shim s;
	struct container *c;
	struct err err; /* of the runtime: told on stderr, but no failure of the clean-up */
};

static void run(void *arg)
{
	struct delete *d = arg;
	runc_delete(&d->s, d->c, true, &d->err);
	loop_stop(d->s.loop);
}

static void child_exited(struct source *src, uint32_t events)
{
	struct signalfd_siginfo info;
	(void)events;
	while (read(src->fd, &info, sizeof(info)) > 0)
		;
	reap_all(src->owner);
}

static void runtime_delete(struct delete *d)
{
	struct shim *s = &d->s;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->loop = loop_new();
	s->signals = (struct source){ .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .ready = child_exited, .owner = s };
	source_watch(s->loop, &s->signals, EPOLLIN);
	if (co_start(s->loop, run, d))
		loop_run(s->loop);
	close_fd(&s->signals.fd);
	loop_free(s->loop);
}

/* A shim that died left its socket; that of a group may still be served. */
static void remove_socket(const char *bundle)
{
	static const char scheme[] = "unix://";
	AUTO_FREE char *path = xprintf("%s/address", bundle);
	AUTO_FREE char *address = file_text(path, 4096);
	if (address && strncmp(address, scheme, sizeof(scheme) - 1) == 0 && !socket_alive(address + sizeof(scheme) - 1))
		unlink(address + sizeof(scheme) - 1);
}

static void complain(const char *what, const struct err *e)
{
	AUTO_FREE char *line = xprintf("%s: %s\n", what, e->msg);
	if (write(2, line, strlen(line)) < 0)
		return;
}

static char *bundle_of(const struct args *a)
{
	if (*a->bundle)
		return xstrdup(a->bundle);
	AUTO_FREE char *cwd = getcwd(NULL, 0);
	char *slash = cwd ? strrchr(cwd, '/') : NULL;
	return slash ? xprintf("%.*s/%s", (int)(slash - cwd), cwd, a->id) : xstrdup(".");
}

static int print_reply(const char *bundle, struct err *e)
{
	AUTO_BUF reply = { 0 };
	AUTO_FREE char *pid_file = xprintf("%s/init.pid", bundle);
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	pb_u64(&reply, 1, (uint64_t)file_pid(pid_file));
	pb_u64(&reply, 2, 128 + SIGKILL);
	pb_time(&reply, 3, now);
	return print(reply.data, reply.len, e);
}

int action_delete(const struct args *a, struct err *e)
{
	AUTO_FREE char *bundle = bundle_of(a);
	AUTO_FREE char *rootfs = xprintf("%s/rootfs", bundle);
	AUTO_FREE char *note = xprintf("%s/attach", bundle);
	struct delete d = { .s = { .namespace = a->namespace, .id = a->id, .log = { .fd = -1 } } };
	struct err warning = { 0 };
	if (!*a->namespace || !*a->id)
		return err_set(e, CODE_INVALID_ARGUMENT, "shim namespace and id cannot be empty");
	d.c = container_add(&d.s, a->id, bundle);
	options_init(&d.c->options);
	int rc = options_load(&d.c->options, bundle, e);
	if (rc == 0) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		runtime_delete(&d);
	}
	container_remove(&d.s, d.c);
	if (rc < 0)
		return -1;
	if (d.err.code)
		complain("failed to remove runc container", &d.err);
	if (unmount_all(NULL, rootfs, &warning) < 0)
		complain("failed to cleanup rootfs mount", &warning);
	remove_socket(bundle);
	feed_clean_up(note);
	return print_reply(bundle, e);
}
