#include "loop-device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* How often somebody else may take the free device before us. */
#define TRIES 64

static int configure(int device, int file, const char *name, bool readonly)
{
	struct loop_config config = { .fd = (__u32)file,
				      .info.lo_flags = LO_FLAGS_AUTOCLEAR | (readonly ? LO_FLAGS_READ_ONLY : 0u) };
	snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", name);
	return ioctl(device, LOOP_CONFIGURE, &config);
}

int loop_device(const char *file, bool readonly, char path[32], struct err *e)
{
	int mode = readonly ? O_RDONLY : O_RDWR;
	struct stat st;
	if (stat(file, &st) < 0)
		return err_sys(e, "open %s", file);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) /* to open a fifo would wait for its other end */
		return err_set(e, CODE_FAILED_PRECONDITION, "%s is no file that a device can show: failed precondition", file);
	AUTO_FD backing = open(file, mode | O_CLOEXEC);
	if (backing < 0)
		return err_sys(e, "open %s", file);
	AUTO_FD control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return err_sys(e, "open /dev/loop-control");
	for (int i = 0; i < TRIES; i++) {
		int index = ioctl(control, LOOP_CTL_GET_FREE);
		if (index < 0)
			return err_sys(e, "find a free loop device");
		snprintf(path, 32, "/dev/loop%d", index);
		int device = open(path, mode | O_CLOEXEC);
		if (device < 0)
			return err_sys(e, "open %s", path);
		if (configure(device, backing, file, readonly) == 0)
			return device;
		bool taken = errno == EBUSY;
		if (!taken)
			err_sys(e, "show %s by %s", file, path);
		close(device);
		if (!taken)
			return -1;
	}
	return err_set(e, CODE_UNKNOWN, "no loop device for %s: others are quicker", file);
}
