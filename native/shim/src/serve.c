#include "serve.h"

#include "child.h"
#include "publisher.h"
#include "runtime-copy.h"
#include "service.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

/* SIGTERM and SIGINT are read and passed over, as by other shims: a shim ends with its last container. */
static void signalled(struct source *src, uint32_t events)
{
	struct signalfd_siginfo info;
	struct shim *s = src->owner;
	(void)events;
	while (read(src->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		log_debug(s, "received signal %u", info.ssi_signo);
	reap_all(s);
}

static void watch_signals(struct shim *s)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->signals = (struct source){ .fd = fd, .ready = signalled, .owner = s };
	source_watch(s->loop, &s->signals, EPOLLIN);
}

/* Memory of a rare big request goes back to the system at once. */
static void keep_small(void)
{
	mallopt(M_MMAP_THRESHOLD, 32 * 1024);
	mallopt(M_TRIM_THRESHOLD, 32 * 1024);
	mallopt(M_TOP_PAD, 4 * 1024);
}

/* The program ends by _exit, which skips what ASan does at exit. */
static void look_for_leaks(void)
{
#ifdef __SANITIZE_ADDRESS__
	__lsan_do_leak_check();
#endif
}

void serve(const struct serve *how)
{
	struct shim s = { .namespace = how->namespace, .id = how->id, .address = how->grpc, .socket_path = how->socket_path };
	keep_small();
	s.log = (struct log){ .fd = -1, .debug = how->debug, .namespace = how->namespace, .id = how->id };
	log_open(&s.log);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	runtime_copy_take(&s.runtime_copy);
	s.loop = loop_new();
	s.publisher = publisher_new(&s, how->ttrpc, how->grpc, how->binary);
	watch_signals(&s);
	service_listen(&s, how->listener);
	reap_all(&s);
	log_debug(&s, "serving at %s", how->socket_path);
	loop_run(s.loop);
	unlink(how->socket_path);
	sandbox_free(&s.sandbox);
	log_debug(&s, "shim shut down");
	look_for_leaks();
}
