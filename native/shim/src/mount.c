#include "mount.h"

#include "loop-device.h"
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BUSY_TRIES 50
#define BUSY_MS 50

static const struct {
	const char *name;
	bool clear;
	unsigned long flag;
} words[] = {
	{ "async", true, MS_SYNCHRONOUS },   { "atime", true, MS_NOATIME },
	{ "bind", false, MS_BIND },          { "defaults", false, 0 },
	{ "dev", true, MS_NODEV },           { "diratime", true, MS_NODIRATIME },
	{ "dirsync", false, MS_DIRSYNC },    { "exec", true, MS_NOEXEC },
	{ "lazytime", false, MS_LAZYTIME },  { "mand", false, MS_MANDLOCK },
	{ "noatime", false, MS_NOATIME },    { "nodev", false, MS_NODEV },
	{ "nodiratime", false, MS_NODIRATIME }, { "noexec", false, MS_NOEXEC },
	{ "nomand", true, MS_MANDLOCK },     { "norelatime", true, MS_RELATIME },
	{ "nostrictatime", true, MS_STRICTATIME }, { "nosuid", false, MS_NOSUID },
	{ "rbind", false, MS_BIND | MS_REC }, { "relatime", false, MS_RELATIME },
	{ "remount", false, MS_REMOUNT },    { "ro", false, MS_RDONLY },
	{ "rw", true, MS_RDONLY },           { "strictatime", false, MS_STRICTATIME },
	{ "suid", true, MS_NOSUID },         { "sync", false, MS_SYNCHRONOUS },
};

static const struct {
	const char *name;
	unsigned long flag;
} propagations[] = {
	{ "private", MS_PRIVATE },       { "rprivate", MS_PRIVATE | MS_REC },
	{ "shared", MS_SHARED },         { "rshared", MS_SHARED | MS_REC },
	{ "slave", MS_SLAVE },           { "rslave", MS_SLAVE | MS_REC },
	{ "unbindable", MS_UNBINDABLE }, { "runbindable", MS_UNBINDABLE | MS_REC },
};

static bool is_flag(const char *o, struct mount_flags *f)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strcmp(o, words[i].name) == 0) {
			f->flags = words[i].clear ? f->flags & ~words[i].flag : f->flags | words[i].flag;
			return true;
		}
	for (size_t i = 0; i < COUNT_OF(propagations); i++)
		if (strcmp(o, propagations[i].name) == 0) {
			f->propagation = propagations[i].flag;
			return true;
		}
	return false;
}

int mount_options(const struct mount *m, struct mount_flags *f, struct err *e)
{
	*f = (struct mount_flags){ 0 };
	for (size_t i = 0; i < m->option_count; i++) {
		const char *o = m->options[i];
		if (strcmp(o, "loop") == 0) {
			f->loop = true;
			continue;
		}
		if (strncmp(o, "uidmap=", 7) == 0 || strncmp(o, "gidmap=", 7) == 0 ||
		    strncmp(o, "X-containerd.", 13) == 0)
			return err_set(e, CODE_INVALID_ARGUMENT, "mount option \"%s\" is not supported by this shim: invalid argument", o);
		if (is_flag(o, f) || !*o)
			continue;
		if (f->data.len)
			buf_str(&f->data, ",");
		buf_str(&f->data, o);
	}
	buf_add(&f->data, "", 1);
	return 0;
}

/* The place below root that m->target names, never outside of it, as /proc/self/fd/N. */
static int open_target(const struct mount *m, const char *root, struct err *e)
{
	AUTO_FD dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return err_sys(e, "open %s", root);
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	const char *below = *m->target ? m->target : ".";
	int fd = (int)syscall(SYS_openat2, dir, below, &how, sizeof(how));
	return fd < 0 ? err_sys(e, "open %s in %s", below, root) : fd;
}

static int apply(const struct mount *m, struct mount_flags *f, const char *at, struct err *e)
{
	const char *data = (const char *)f->data.data;
	unsigned long flags = f->flags;
	bool bind = flags & MS_BIND;
	char path[32];
	AUTO_FD device = f->loop ? loop_device(m->source, flags & MS_RDONLY, path, e) : -1;
	if (f->loop && device < 0)
		return -1;
	const char *source = f->loop ? path : m->source;
	if (!bind && f->data.len > MOUNT_DATA_MAX) {
		if (overlay_mount_long(m, flags, at, e) < 0)
			return -1;
	} else if (mount(source, at, m->type, bind ? flags & (MS_BIND | MS_REC) : flags, bind ? NULL : data) < 0) {
		return err_sys(e, "failed to mount rootfs component %s %s", m->type, m->source);
	}
	return 0;
}

/* A bind takes no other flags; they come in a second step, on the new mount. */
static int finish(const struct mount *m, struct mount_flags *f, const char *at, struct err *e)
{
	unsigned long extra = f->flags & ~(unsigned long)(MS_BIND | MS_REC);
	if ((f->flags & MS_BIND) && extra &&
	    mount("", at, "", MS_REMOUNT | MS_BIND | extra, NULL) < 0)
		return err_sys(e, "failed to remount rootfs component %s", m->source);
	if (f->propagation && mount("", at, "", f->propagation, NULL) < 0)
		return err_sys(e, "failed to change the propagation of rootfs component %s", m->source);
	return 0;
}

int mount_one(const struct mount *m, const char *root, struct err *e)
{
	__attribute__((cleanup(buf_free))) struct buf unused = { 0 };
	struct mount_flags f;
	int rc = mount_options(m, &f, e);
	unused = f.data;
	if (rc < 0)
		return -1;
	AUTO_FD target = open_target(m, root, e);
	if (target < 0)
		return -1;
	AUTO_FREE char *at = xprintf("/proc/self/fd/%d", target);
	if (apply(m, &f, at, e) < 0)
		return -1;
	close_fd(&target);
	target = open_target(m, root, e); /* now the new mount's root */
	if (target < 0)
		return -1;
	AUTO_FREE char *on = xprintf("/proc/self/fd/%d", target);
	return finish(m, &f, on, e);
}

int unmount_all(struct loop *l, const char *path, struct err *e)
{
	for (int busy = 0;;) {
		int detach = busy >= BUSY_TRIES ? MNT_DETACH : 0;
		if (umount2(path, UMOUNT_NOFOLLOW | detach) == 0)
			continue;
		if (errno == EINVAL || errno == ENOENT)
			return 0;
		if (errno != EBUSY || detach)
			return err_sys(e, "failed rootfs umount: %s", path);
		busy++;
		if (l)
			co_sleep(l, BUSY_MS);
		else
			usleep(BUSY_MS * 1000);
	}
}

void mount_free(struct mount *m)
{
	for (size_t i = 0; i < m->option_count; i++)
		free(m->options[i]);
	free(m->options);
	free(m->type);
	free(m->source);
	free(m->target);
}
