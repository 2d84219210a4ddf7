#include "cgroup.h"

#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DEPTH_MAX 32

bool cgroup_unified(void)
{
	struct statfs fs;
	return statfs(CGROUP_ROOT, &fs) == 0 && (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC;
}

int cgroup_of_pid(struct cgroup *cg, pid_t pid)
{
	AUTO_FREE char *path = xprintf("/proc/%d/cgroup", (int)pid);
	cg->unified = cgroup_unified();
	cg->lines = file_text(path, 65536);
	return cg->lines ? 0 : -1;
}

void cgroup_free(struct cgroup *cg)
{
	free_ptr(&cg->lines);
}

/* Is `name` one of the comma-separated names? */
static bool listed(const char *list, size_t len, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = list; p <= list + len; p += strcspn(p, ",:") + 1)
		if (strncmp(p, name, n) == 0 && (p[n] == ',' || p + n == list + len))
			return true;
	return false;
}

/* A line reads `4:cpu,cpuacct:/the/path`. */
static char *path_in(const char *line, size_t len, const char *controller)
{
	const char *list = memchr(line, ':', len);
	const char *path = list ? memchr(list + 1, ':', len - (size_t)(list + 1 - line)) : NULL;
	if (!path)
		return NULL;
	size_t names = (size_t)(path - list - 1);
	if (*controller ? !listed(list + 1, names, controller) : names != 0)
		return NULL;
	return xstrndup(path + 1, (size_t)(line + len - path - 1));
}

char *cgroup_dir(const struct cgroup *cg, const char *controller)
{
	for (const char *line = cg->lines; line && *line;) {
		size_t len = strcspn(line, "\n");
		AUTO_FREE char *path = path_in(line, len, controller);
		if (path) {
			struct stat st;
			char *dir = xprintf(CGROUP_ROOT "%s%s%s", *controller ? "/" : "", controller, path);
			if (stat(dir, &st) == 0)
				return dir;
			free(dir);
			return NULL;
		}
		line += len + (line[len] == '\n');
	}
	return NULL;
}

static int add_procs(const char *dir, struct buf *pids)
{
	AUTO_FREE char *path = xprintf("%s/cgroup.procs", dir);
	AUTO_BUF text = { 0 };
	if (file_read(path, 16 << 20, &text) < 0)
		return errno == ENOENT || errno == ENODEV || errno == EOPNOTSUPP ? 0 : -1;
	buf_add(&text, "", 1);
	char *end;
	for (char *p = (char *)text.data; *p; p = end + (*end == '\n')) {
		pid_t pid = (pid_t)strtol(p, &end, 10);
		if (end == p)
			break;
		buf_add(pids, &pid, sizeof(pid));
	}
	return 0;
}

static int walk(const char *dir, int depth, struct buf *pids)
{
	if (depth > DEPTH_MAX || add_procs(dir, pids) < 0)
		return -1;
	DIR *d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : -1;
	int rc = 0;
	for (struct dirent *de; rc == 0 && (de = readdir(d));) {
		if (de->d_type != DT_DIR || de->d_name[0] == '.')
			continue;
		AUTO_FREE char *sub = xprintf("%s/%s", dir, de->d_name);
		rc = walk(sub, depth + 1, pids);
	}
	closedir(d);
	return rc;
}

int cgroup_pids(const struct cgroup *cg, struct buf *pids)
{
	static const char *const v1[] = { "devices", "pids", "memory", "cpu" };
	AUTO_FREE char *dir = NULL;
	if (cg->unified)
		dir = cgroup_dir(cg, "");
	for (size_t i = 0; !dir && !cg->unified && i < COUNT_OF(v1); i++)
		dir = cgroup_dir(cg, v1[i]);
	if (!dir) {
		errno = ENOENT;
		return -1;
	}
	return walk(dir, 0, pids);
}

static int join_one(const char *dir, const char *path, int *joined, struct err *e)
{
	AUTO_FREE char *procs = xprintf("%s/%s/cgroup.procs", dir, path);
	if (access(procs, F_OK) < 0)
		return 0;
	if (file_put(procs, "0") < 0)
		return err_sys(e, "failed to join cgroup %s", path);
	++*joined;
	return 0;
}

int cgroup_join(const char *path, struct err *e)
{
	int joined = 0, rc = 0;
	if (cgroup_unified()) {
		rc = join_one(CGROUP_ROOT, path, &joined, e);
	} else {
		DIR *d = opendir(CGROUP_ROOT);
		for (struct dirent *de; d && rc == 0 && (de = readdir(d));) {
			AUTO_FREE char *dir = xprintf(CGROUP_ROOT "/%s", de->d_name);
			if (de->d_type == DT_DIR && de->d_name[0] != '.')
				rc = join_one(dir, path, &joined, e);
		}
		if (d)
			closedir(d);
	}
	if (rc == 0 && joined == 0)
		return err_set(e, CODE_NOT_FOUND, "failed to load cgroup %s: not found", path);
	return rc;
}
