#include "events.h"
#include "file.h"
#include "runc.h"
#include "service.h"
#include "wire.h"

#include <string.h>
#include <unistd.h>

#define TYPE "containerd.runc.v1.CheckpointOptions"
#define NAMESPACES_MAX 8

struct options {
	struct checkpoint cp;
	char *cgroups_mode, *image_path, *work_path;
	char *namespaces[NAMESPACES_MAX + 1];
	size_t namespace_count;
};

static bool read_option(struct options *o, const struct pb_field *f)
{
	bool *flags[] = { &o->cp.exit, &o->cp.open_tcp, &o->cp.external_unix_sockets, &o->cp.terminal, &o->cp.file_locks };
	char **texts[] = { &o->cgroups_mode, &o->image_path, &o->work_path };
	if (f->number >= 1 && f->number <= 5 && f->type == PB_VARINT) {
		*flags[f->number - 1] = f->value != 0;
		return true;
	}
	if (f->type != PB_LEN)
		return true;
	char *text = bytes_string(f->bytes);
	if (text && f->number == 6 && o->namespace_count < NAMESPACES_MAX) {
		o->namespaces[o->namespace_count++] = text;
	} else if (text && f->number >= 7 && f->number <= 9) {
		free(*texts[f->number - 7]);
		*texts[f->number - 7] = text;
	} else {
		free(text);
		return f->number > 9;
	}
	return true;
}

static void options_release(struct options *o)
{
	for (size_t i = 0; i < o->namespace_count; i++)
		free(o->namespaces[i]);
	free(o->cgroups_mode);
	free(o->image_path);
	free(o->work_path);
}

static int read_options(struct options *o, const struct request *r, struct err *e)
{
	struct pb_reader rd = pb_read((struct bytes){ r->any.data, r->any.len });
	struct pb_field f;
	bool good = true;
	const char *slash = strrchr(r->any_type, '/');
	const char *name = slash ? slash + 1 : r->any_type;
	if (*name && strcmp(name, TYPE) != 0)
		return err_set(e, CODE_INVALID_ARGUMENT, "checkpoint options of type \"%s\", want \"" TYPE "\": invalid argument", r->any_type);
	while (good && pb_next(&rd, &f))
		good = read_option(o, &f);
	return good && !rd.bad ? 0 : err_set(e, CODE_INVALID_ARGUMENT, "malformed " TYPE ": invalid argument");
}

/* What criu says of its failure stays in the bundle, where the error tells to look. */
static int failed(struct container *c, const char *work, struct err *e)
{
	AUTO_BUF dump = { 0 };
	AUTO_FREE char *from = xprintf("%s/dump.log", work);
	AUTO_FREE char *to = xprintf("%s/criu-dump.log", c->bundle);
	if (file_read(from, 64 << 20, &dump) == 0)
		file_write(to, dump.data, dump.len, 0600);
	e->msg[strcspn(e->msg, "\n")] = 0;
	AUTO_FREE char *first = xstrdup(e->msg);
	return err_set(e, CODE_UNKNOWN, "%s path= %s", first, to);
}

static int checkpoint(struct shim *s, struct container *c, const struct request *r, struct options *o, struct err *e)
{
	enum status st = c->init.status;
	if (st != ST_RUNNING && st != ST_PAUSED)
		return err_set(e, CODE_UNKNOWN, st == ST_CREATED ? "cannot checkpoint a task in %s state" :
			       "cannot checkpoint a %s container", status_name(st));
	AUTO_FREE char *work = o->work_path && *o->work_path ? xstrdup(o->work_path) : xprintf("%s/work/criu-work", c->bundle);
	o->cp.path = r->path;
	o->cp.work = work;
	o->cp.cgroups_mode = o->cgroups_mode;
	o->cp.empty_namespaces = o->namespaces;
	if (runc_checkpoint(s, c, &o->cp, e) < 0)
		return failed(c, work, e);
	event_checkpointed(s, c, r->path);
	return 0;
}

enum handled task_checkpoint(struct shim *s, struct call *call, struct buf *reply, struct err *e)
{
	__attribute__((cleanup(options_release))) struct options o = { 0 };
	struct container *c = container_get(s, call->req.id, e);
	(void)reply;
	if (!c || read_options(&o, &call->req, e) < 0)
		return FAILED;
	c->refs++;
	co_lock(s->loop, &c->init.lock);
	int rc = c->deleted ? err_set(e, CODE_NOT_FOUND, "container not created: not found") :
			      checkpoint(s, c, &call->req, &o, e);
	co_unlock(s->loop, &c->init.lock);
	container_put(c);
	return rc < 0 ? FAILED : ANSWER;
}
