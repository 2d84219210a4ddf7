#include "container.h"

#include "exec-ahead.h"

#include <string.h>

static void process_fini(struct process *p)
{
	exec_unprepare(p);
	stdio_free(&p->stdio);
	io_free(p->io);
	buf_free(&p->spec);
	free(p->id);
}

struct container *container_add(struct shim *s, const char *id, const char *bundle)
{
	struct container *c = xalloc(sizeof(*c));
	c->id = xstrdup(id);
	c->bundle = xstrdup(bundle);
	c->refs = 1;
	c->creating = true;
	c->init.container = c;
	c->init.id = xstrdup("");
	c->init.status = ST_CREATED;
	c->next = s->containers;
	s->containers = c;
	return c;
}

void container_put(struct container *c)
{
	if (--c->refs > 0)
		return;
	while (c->execs) {
		struct process *p = c->execs;
		c->execs = p->next;
		process_fini(p);
		free(p);
	}
	process_fini(&c->init);
	options_free(&c->options);
	cgroup_free(&c->cgroup);
	free(c->checkpoint);
	free(c->parent_checkpoint);
	free(c->id);
	free(c->bundle);
	free(c->rootfs);
	free(c);
}

void container_remove(struct shim *s, struct container *c)
{
	for (struct container **at = &s->containers; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			break;
		}
	c->deleted = true;
	oom_unwatch(s, c->oom);
	c->oom = NULL;
	container_put(c);
}

struct container *container_find(struct shim *s, const char *id)
{
	for (struct container *c = s->containers; c; c = c->next)
		if (strcmp(c->id, id) == 0)
			return c;
	return NULL;
}

struct container *container_get(struct shim *s, const char *id, struct err *e)
{
	struct container *c = container_find(s, id);
	if (c && !c->creating)
		return c;
	err_set(e, CODE_NOT_FOUND, "container not created: not found");
	return NULL;
}

struct container *container_await(struct shim *s, const char *id, struct err *e)
{
	for (struct container *c; (c = container_find(s, id)) && c->creating;)
		waitq_wait(s->loop, &s->created, -1);
	return container_get(s, id, e);
}

bool container_any_creating(const struct shim *s)
{
	for (const struct container *c = s->containers; c; c = c->next)
		if (c->creating)
			return true;
	return false;
}

bool is_init(const struct process *p)
{
	return p == &p->container->init;
}

/* An exec holds its container, so that a start under way can end in peace. */
struct process *process_add(struct container *c, const char *id)
{
	struct process *p = xalloc(sizeof(*p));
	p->container = c;
	p->id = xstrdup(id);
	p->refs = 1;
	p->status = ST_CREATED;
	p->next = c->execs;
	c->execs = p;
	return p;
}

void process_put(struct process *p)
{
	if (is_init(p) || --p->refs > 0)
		return;
	process_fini(p);
	free(p);
}

void process_remove(struct process *p)
{
	for (struct process **at = &p->container->execs; *at; at = &(*at)->next)
		if (*at == p) {
			*at = p->next;
			p->deleted = true;
			process_put(p);
			return;
		}
}

struct process *process_get(struct container *c, const char *exec_id, struct err *e)
{
	if (!*exec_id)
		return &c->init;
	for (struct process *p = c->execs; p; p = p->next)
		if (strcmp(p->id, exec_id) == 0)
			return p;
	err_set(e, CODE_NOT_FOUND, "process does not exist %s: not found", exec_id);
	return NULL;
}

static struct process *match(struct container *c, pid_t pid)
{
	for (struct process *p = c->execs; p; p = p->next)
		if (p->pid == pid && !p->exit_pending)
			return p;
	return c->init.pid == pid && !c->init.exit_pending ? &c->init : NULL;
}

struct process *process_of_pid(struct shim *s, pid_t pid)
{
	for (struct container *c = s->containers; c; c = c->next) {
		struct process *p = match(c, pid);
		if (p)
			return p;
	}
	return NULL;
}

const char *status_name(enum status st)
{
	static const char *const names[] = { "unknown", "created", "running", "stopped", "paused", "pausing" };
	return names[st];
}
