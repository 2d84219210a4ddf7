#include "actions.h"
#include "bootstrap.h"
#include "file.h"
#include "json.h"
#include "wire.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX (4u << 20)
#define FEATURES "types.containerd.io/opencontainers/runtime-spec/1/features/Features"

int action_version(void)
{
	struct err e;
	AUTO_FREE char *text = xprintf(SHIM_NAME ":\n  Version:  %s\n  Shim:     berth (task v2 and v3)\n\n", SHIM_VERSION);
	return print(text, strlen(text), &e);
}

/* What `runc features` prints; nothing when it does not know that word. -1 when there is no such program. */
static int features(const char *binary, struct buf *out, struct err *e)
{
	AUTO_FD fd = memfd_create("features", MFD_CLOEXEC);
	posix_spawn_file_actions_t fa;
	char *argv[] = { (char *)binary, "features", NULL };
	pid_t pid;
	int status = -1, failed;
	if (fd < 0)
		return err_sys(e, "memfd_create");
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", 0, 0);
	posix_spawn_file_actions_adddup2(&fa, fd, 1);
	posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", 1, 0);
	failed = posix_spawnp(&pid, binary, &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (failed) {
		errno = failed;
		return err_sys(e, "look up the runtime %s", binary);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0 || lseek(fd, 0, SEEK_SET) < 0 || fd_read(fd, TEXT_MAX, out) < 0 || !json_valid(out->data, out->len))
		buf_free(out);
	return 0;
}

int action_info(const struct args *a, struct err *e)
{
	AUTO_BUF in = { 0 };
	AUTO_BUF out = { 0 };
	AUTO_BUF feat = { 0 };
	struct buf version = { 0 };
	__attribute__((cleanup(bootstrap_free))) struct bootstrap b = { 0 };
	if (!isatty(0) && fd_read(0, TEXT_MAX, &in) < 0 && errno != EBADF)
		return err_sys(e, "read stdin");
	if (bootstrap_parse(&b, (struct bytes){ in.data, in.len }, a, NULL, e) < 0)
		return -1;
	pb_str(&out, 1, "io.containerd.runc.v2");
	pb_str(&version, 1, SHIM_VERSION);
	pb_str(&version, 2, "berth-" SHIM_VERSION);
	pb_msg(&out, 2, &version);
	if (in.len)
		pb_bytes(&out, 3, in.data, in.len);
	if (features(*b.options.binary_name ? b.options.binary_name : "runc", &feat, e) < 0)
		return -1;
	if (feat.len)
		pb_any(&out, 4, FEATURES, feat.data, feat.len);
	return print(out.data, out.len, e);
}
