/* Overlays of so many layers that their option string exceeds the page that mount(2) takes.
   First with layer paths relative to their common directory, which works on every kernel; then, from
   Linux 6.7 on, one layer at a time through fsconfig. */
#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOWER "lowerdir="

static const char *lower_of(const struct mount *m)
{
	for (size_t i = 0; i < m->option_count; i++)
		if (strncmp(m->options[i], LOWER, sizeof(LOWER) - 1) == 0)
			return m->options[i] + sizeof(LOWER) - 1;
	return NULL;
}

/* The length of the longest directory prefix, ending in '/', of all layers. */
static size_t common_dir(const char *layers)
{
	size_t n = strcspn(layers, ":");
	for (const char *p = layers; *p; p += strcspn(p, ":"), p += *p == ':') {
		size_t i = 0;
		while (i < n && p[i] == layers[i])
			i++;
		n = i;
	}
	while (n && layers[n - 1] != '/')
		n--;
	return n;
}

static bool other_option(const char *o)
{
	struct mount one = { .options = (char **)&o, .option_count = 1 };
	struct mount_flags f;
	struct err e;
	bool data = mount_options(&one, &f, &e) == 0 && f.data.len > 1;
	buf_free(&f.data);
	return data && strncmp(o, LOWER, sizeof(LOWER) - 1) != 0;
}

static void relative_options(const struct mount *m, const char *layers, size_t skip, struct buf *out)
{
	buf_str(out, LOWER);
	for (const char *p = layers; *p;) {
		size_t n = strcspn(p, ":");
		if (p != layers)
			buf_str(out, ":");
		buf_add(out, p + skip, n - skip);
		p += n + (p[n] == ':');
	}
	for (size_t i = 0; i < m->option_count; i++)
		if (other_option(m->options[i])) {
			buf_str(out, ",");
			buf_str(out, m->options[i]);
		}
	buf_add(out, "", 1);
}

/* True when it was tried; then rc tells. The working directory is the process's only for a moment. */
static bool mount_relative(const struct mount *m, const char *layers, unsigned long flags, const char *target, int *rc)
{
	size_t skip = common_dir(layers);
	AUTO_BUF data = { 0 };
	if (skip == 0)
		return false;
	relative_options(m, layers, skip, &data);
	if (data.len > MOUNT_DATA_MAX)
		return false;
	AUTO_FREE char *dir = xstrndup(layers, skip);
	AUTO_FD back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (back < 0 || chdir(dir) < 0)
		return false;
	*rc = mount(m->source, target, m->type, flags, data.data);
	int keep = errno;
	if (fchdir(back) < 0)
		abort(); /* cannot fail: the directory was just open */
	errno = keep;
	return true;
}

static int set_string(int fs, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0);
}

static int set_option(int fs, const char *o)
{
	const char *eq = strchr(o, '=');
	if (!eq)
		return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, o, NULL, 0);
	AUTO_FREE char *key = xstrndup(o, (size_t)(eq - o));
	return set_string(fs, key, eq + 1);
}

static int set_layers(int fs, const char *layers)
{
	int rc = 0;
	for (const char *p = layers; rc == 0 && *p;) {
		size_t n = strcspn(p, ":");
		AUTO_FREE char *one = xstrndup(p, n);
		rc = set_string(fs, "lowerdir+", one);
		p += n + (p[n] == ':');
	}
	return rc;
}

static int mount_by_layer(const struct mount *m, const char *layers, unsigned long flags, const char *target)
{
	AUTO_FD fs = (int)syscall(SYS_fsopen, m->type, FSOPEN_CLOEXEC);
	if (fs < 0 || set_string(fs, "source", m->source) < 0 || set_layers(fs, layers) < 0)
		return -1;
	for (size_t i = 0; i < m->option_count; i++)
		if (other_option(m->options[i]) && set_option(fs, m->options[i]) < 0)
			return -1;
	if ((flags & MS_RDONLY) && syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
		return -1;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	unsigned attrs = (flags & MS_RDONLY ? MOUNT_ATTR_RDONLY : 0) | (flags & MS_NOSUID ? MOUNT_ATTR_NOSUID : 0) |
			 (flags & MS_NODEV ? MOUNT_ATTR_NODEV : 0) | (flags & MS_NOEXEC ? MOUNT_ATTR_NOEXEC : 0);
	AUTO_FD mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attrs);
	if (mnt < 0)
		return -1;
	return (int)syscall(SYS_move_mount, mnt, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
}

int overlay_mount_long(const struct mount *m, unsigned long flags, const char *target, struct err *e)
{
	const char *layers = lower_of(m);
	int rc = -1;
	if (!layers || strcmp(m->type, "overlay") != 0)
		return err_set(e, CODE_INVALID_ARGUMENT, "mount options of %s are longer than a page: invalid argument", m->type);
	if (!mount_relative(m, layers, flags, target, &rc))
		rc = mount_by_layer(m, layers, flags, target);
	return rc < 0 ? err_sys(e, "failed to mount rootfs component overlay of many layers") : 0;
}
