#include "events.h"

#include "publisher.h"
#include "wire.h"

static void publish(struct shim *s, const char *topic, const char *type, struct buf *message)
{
	publisher_send(s->publisher, topic, type, message);
	buf_free(message);
}

void pb_mount(struct buf *b, uint32_t field, const struct mount *m)
{
	struct buf sub = { 0 };
	pb_str(&sub, 1, m->type);
	pb_str(&sub, 2, m->source);
	pb_str(&sub, 3, m->target);
	for (size_t i = 0; i < m->option_count; i++)
		pb_str(&sub, 4, m->options[i]);
	pb_msg(b, field, &sub);
}

void event_create(struct shim *s, const struct container *c, const struct mount *rootfs, size_t count)
{
	struct buf m = { 0 }, io = { 0 };
	const struct stdio *std = &c->init.stdio;
	pb_str(&m, 1, c->id);
	pb_str(&m, 2, c->bundle);
	for (size_t i = 0; i < count; i++)
		pb_mount(&m, 3, &rootfs[i]);
	pb_str(&io, 1, std->in);
	pb_str(&io, 2, std->out);
	pb_str(&io, 3, std->err);
	pb_u64(&io, 4, std->terminal);
	pb_msg(&m, 4, &io);
	pb_str(&m, 5, c->checkpoint);
	pb_u64(&m, 6, (uint64_t)c->init.pid);
	publish(s, "/tasks/create", "containerd.events.TaskCreate", &m);
}

void event_start(struct shim *s, const struct process *p)
{
	struct buf m = { 0 };
	pb_str(&m, 1, p->container->id);
	if (is_init(p)) {
		pb_u64(&m, 2, (uint64_t)p->pid);
		publish(s, "/tasks/start", "containerd.events.TaskStart", &m);
		return;
	}
	pb_str(&m, 2, p->id);
	pb_u64(&m, 3, (uint64_t)p->pid);
	publish(s, "/tasks/exec-started", "containerd.events.TaskExecStarted", &m);
}

void event_exec_added(struct shim *s, const struct process *p)
{
	struct buf m = { 0 };
	pb_str(&m, 1, p->container->id);
	pb_str(&m, 2, p->id);
	publish(s, "/tasks/exec-added", "containerd.events.TaskExecAdded", &m);
}

/* The id of init is that of its container here, as everywhere outside of the shim. */
void event_exit(struct shim *s, const struct process *p)
{
	struct buf m = { 0 };
	pb_str(&m, 1, p->container->id);
	pb_str(&m, 2, is_init(p) ? p->container->id : p->id);
	pb_u64(&m, 3, (uint64_t)p->pid);
	pb_u64(&m, 4, (uint64_t)p->exit_status);
	pb_time(&m, 5, p->exited_at);
	publish(s, "/tasks/exit", "containerd.events.TaskExit", &m);
}

void event_delete(struct shim *s, const struct container *c)
{
	struct buf m = { 0 };
	pb_str(&m, 1, c->id);
	pb_u64(&m, 2, (uint64_t)c->init.pid);
	pb_u64(&m, 3, (uint64_t)c->init.exit_status);
	pb_time(&m, 4, c->init.exited_at);
	publish(s, "/tasks/delete", "containerd.events.TaskDelete", &m);
}

static void about(struct shim *s, const char *id, const char *extra, const char *topic, const char *type)
{
	struct buf m = { 0 };
	pb_str(&m, 1, id);
	pb_str(&m, 2, extra);
	publish(s, topic, type, &m);
}

void event_paused(struct shim *s, const struct container *c)
{
	about(s, c->id, NULL, "/tasks/paused", "containerd.events.TaskPaused");
}

void event_resumed(struct shim *s, const struct container *c)
{
	about(s, c->id, NULL, "/tasks/resumed", "containerd.events.TaskResumed");
}

void event_oom(struct shim *s, const char *container_id)
{
	about(s, container_id, NULL, "/tasks/oom", "containerd.events.TaskOOM");
}

void event_checkpointed(struct shim *s, const struct container *c, const char *path)
{
	about(s, c->id, path, "/tasks/checkpointed", "containerd.events.TaskCheckpointed");
}
