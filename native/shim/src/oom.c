#include "oom.h"

#include "events.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

struct oom {
	struct shim *s;
	struct source src;
	char *dir, *id;
	bool unified;
	uint64_t kills; /* version 2: as last seen */
};

static uint64_t kills_in(const char *dir)
{
	AUTO_FREE char *path = xprintf("%s/memory.events", dir);
	AUTO_FREE char *text = file_text(path, 4096);
	for (char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, "oom_kill ", 9) == 0)
			return strtoull(p + 9, NULL, 10);
	}
	return 0;
}

/* The eventfd of version 1 is also signalled when the group is removed. */
static void ready_v1(struct oom *o)
{
	uint64_t count;
	struct stat st;
	ssize_t n = read(o->src.fd, &count, sizeof(count));
	if (stat(o->dir, &st) < 0)
		source_watch(o->s->loop, &o->src, 0);
	else if (n > 0)
		event_oom(o->s, o->id);
}

static void ready_v2(struct oom *o)
{
	char ev[4096] __attribute__((aligned(8)));
	ssize_t n = read(o->src.fd, ev, sizeof(ev));
	for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
		struct inotify_event *i = (struct inotify_event *)(void *)(ev + at);
		if (i->mask & IN_IGNORED)
			source_watch(o->s->loop, &o->src, 0);
		at += (ssize_t)(sizeof(*i) + i->len);
	}
	uint64_t kills = kills_in(o->dir);
	if (kills > o->kills)
		event_oom(o->s, o->id);
	o->kills = kills;
}

static void ready(struct source *src, uint32_t events)
{
	struct oom *o = src->owner;
	(void)events;
	if (o->unified)
		ready_v2(o);
	else
		ready_v1(o);
}

static int open_v1(struct oom *o)
{
	AUTO_FREE char *control = xprintf("%s/memory.oom_control", o->dir);
	AUTO_FREE char *register_at = xprintf("%s/cgroup.event_control", o->dir);
	AUTO_FD fd = open(control, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	o->src.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	AUTO_FREE char *line = xprintf("%d %d", o->src.fd, fd);
	return o->src.fd < 0 ? -1 : file_put(register_at, line);
}

static int open_v2(struct oom *o)
{
	AUTO_FREE char *path = xprintf("%s/memory.events", o->dir);
	o->kills = kills_in(o->dir);
	o->src.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return o->src.fd < 0 || inotify_add_watch(o->src.fd, path, IN_MODIFY) < 0 ? -1 : 0;
}

struct oom *oom_watch(struct shim *s, const struct cgroup *cg, const char *container_id)
{
	char *dir = cgroup_dir(cg, cg->unified ? "" : "memory");
	if (!dir)
		return NULL;
	struct oom *o = xalloc(sizeof(*o));
	*o = (struct oom){ .s = s, .dir = dir, .id = xstrdup(container_id), .unified = cg->unified };
	o->src = (struct source){ .fd = -1, .ready = ready, .owner = o };
	if ((o->unified ? open_v2(o) : open_v1(o)) == 0 && source_watch(s->loop, &o->src, EPOLLIN))
		return o;
	log_warn(s, "cannot watch %s for lack of memory: %s", dir, strerrordesc_np(errno));
	oom_unwatch(s, o);
	return NULL;
}

void oom_unwatch(struct shim *s, struct oom *o)
{
	if (!o)
		return;
	source_watch(s->loop, &o->src, 0);
	close_fd(&o->src.fd);
	free(o->dir);
	free(o->id);
	free(o);
}
