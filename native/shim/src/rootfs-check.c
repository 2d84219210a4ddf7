#include "rootfs-check.h"

#include "bundle.h"

#include <fcntl.h>
#include <sys/stat.h>

int rootfs_check(const char *bundle, struct err *e)
{
	AUTO_FREE char *path = bundle_root(bundle);
	AUTO_FD root = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct stat st;
	/* That there is no root, or no /dev in it, is for the runtime to say. */
	if (root < 0 || fstatat(root, "dev", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(st.st_mode))
		return 0;
	return err_set(e, CODE_FAILED_PRECONDITION, "/dev of the root file system is a symbolic link: failed precondition");
}
