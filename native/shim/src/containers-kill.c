#include "runc.h"
#include "service.h"

#include <signal.h>

/* A sandbox's containers have nobody to say goodbye to: whoever wants them to end in order stops them first. */
#define PATIENCE_S 10
#define PATIENCE_MAX_S 3600

static bool alive(const struct container *c)
{
	return !c->deleted && !c->creating && c->init.pid && c->init.status != ST_STOPPED;
}

/* Those that live, each with a reference; NULL for none. */
static struct container **living(struct shim *s, size_t *count)
{
	struct container **all = NULL;
	*count = 0;
	for (struct container *c = s->containers; c; c = c->next) {
		if (!alive(c))
			continue;
		all = xresize(all, (*count + 1) * sizeof(*all));
		all[(*count)++] = c;
		c->refs++;
	}
	return all;
}

static int left(uint64_t give_up)
{
	uint64_t now = loop_now();
	return now < give_up ? (int)(give_up - now) : 0;
}

static void kill_one(struct shim *s, struct container *c)
{
	struct err e = { 0 };
	if (runc_kill(s, c, SIGKILL, !c->private_pids, &e) < 0 && e.code != CODE_NOT_FOUND)
		log_warn(s, "failed to kill %s: %s", c->id, e.msg);
}

int containers_kill(struct shim *s, uint64_t seconds, struct err *e)
{
	if (seconds == 0 || seconds > PATIENCE_MAX_S)
		seconds = seconds == 0 ? PATIENCE_S : PATIENCE_MAX_S;
	uint64_t give_up = loop_now() + seconds * 1000;
	size_t count;
	while (container_any_creating(s) && left(give_up) > 0)
		waitq_wait(s->loop, &s->created, left(give_up));
	AUTO_FREE struct container **all = living(s, &count);
	for (size_t i = 0; i < count; i++)
		if (alive(all[i]))
			kill_one(s, all[i]);
	int rc = 0;
	for (size_t i = 0; i < count; i++) {
		while (alive(all[i]) && left(give_up) > 0)
			waitq_wait(s->loop, &all[i]->init.exited, left(give_up));
		if (alive(all[i]) && rc == 0)
			rc = err_set(e, CODE_DEADLINE_EXCEEDED, "container %s does not end: context deadline exceeded", all[i]->id);
		container_put(all[i]);
	}
	return rc;
}
