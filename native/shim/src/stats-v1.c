#include "stats.h"
#include "wire.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* By field number, from 1. */
static const char *const memory_keys[] = {
	"cache", "rss", "rss_huge", "mapped_file", "dirty", "writeback", "pgpgin", "pgpgout", "pgfault", "pgmajfault",
	"inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable", "hierarchical_memory_limit",
	"hierarchical_memsw_limit", "total_cache", "total_rss", "total_rss_huge", "total_mapped_file", "total_dirty",
	"total_writeback", "total_pgpgin", "total_pgpgout", "total_pgfault", "total_pgmajfault",
	"total_inactive_anon", "total_active_anon", "total_inactive_file", "total_active_file", "total_unevictable",
};

static void put_hugetlb(const char *dir, struct buf *out)
{
	static const char tail[] = ".limit_in_bytes";
	DIR *d = opendir(dir);
	for (struct dirent *de; d && (de = readdir(d));) {
		size_t n = strlen(de->d_name), t = sizeof(tail) - 1;
		if (strncmp(de->d_name, "hugetlb.", 8) != 0 || n <= 8 + t || strcmp(de->d_name + n - t, tail) != 0 ||
		    strstr(de->d_name, ".rsvd."))
			continue;
		struct buf m = { 0 };
		AUTO_FREE char *size = xstrndup(de->d_name + 8, n - 8 - t);
		AUTO_FREE char *usage = xprintf("hugetlb.%s.usage_in_bytes", size);
		AUTO_FREE char *max = xprintf("hugetlb.%s.max_usage_in_bytes", size);
		AUTO_FREE char *failed = xprintf("hugetlb.%s.failcnt", size);
		pb_u64(&m, 1, stats_number(dir, usage));
		pb_u64(&m, 2, stats_number(dir, max));
		pb_u64(&m, 3, stats_number(dir, failed));
		pb_str(&m, 4, size);
		pb_msg(out, 1, &m);
	}
	if (d)
		closedir(d);
}

static void put_pids(const char *dir, struct buf *out)
{
	struct buf m = { 0 };
	uint64_t limit = stats_number(dir, "pids.max");
	pb_u64(&m, 1, stats_number(dir, "pids.current"));
	pb_u64(&m, 2, limit == UINT64_MAX ? 0 : limit);
	pb_msg(out, 2, &m);
}

/* Ticks of the kernel's clock, as nanoseconds. */
static uint64_t ticks(const char *text, const char *key)
{
	return stats_key(text, key) * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void put_usage(const char *acct, struct buf *cpu)
{
	struct buf usage = { 0 }, each = { 0 };
	AUTO_FREE char *stat = stats_text(acct, "cpuacct.stat");
	AUTO_FREE char *per_cpu = stats_text(acct, "cpuacct.usage_percpu");
	pb_u64(&usage, 1, stats_number(acct, "cpuacct.usage"));
	if (stat) {
		pb_u64(&usage, 2, ticks(stat, "system"));
		pb_u64(&usage, 3, ticks(stat, "user"));
	}
	char *end;
	for (char *p = per_cpu; p && *p; p = end) {
		uint64_t v = strtoull(p, &end, 10);
		if (end == p)
			break;
		uint8_t tmp[10];
		size_t n = 0;
		for (; v >= 0x80; v >>= 7)
			tmp[n++] = (uint8_t)(v | 0x80);
		tmp[n++] = (uint8_t)v;
		buf_add(&each, tmp, n);
	}
	pb_bytes(&usage, 4, each.data, each.len);
	buf_free(&each);
	pb_msg(cpu, 1, &usage);
}

static void put_cpu(const struct cgroup *cg, struct buf *out)
{
	struct buf cpu = { 0 }, throttle = { 0 };
	AUTO_FREE char *acct = cgroup_dir(cg, "cpuacct");
	AUTO_FREE char *dir = cgroup_dir(cg, "cpu");
	AUTO_FREE char *stat = dir ? stats_text(dir, "cpu.stat") : NULL;
	if (acct)
		put_usage(acct, &cpu);
	if (stat) {
		pb_u64(&throttle, 1, stats_key(stat, "nr_periods"));
		pb_u64(&throttle, 2, stats_key(stat, "nr_throttled"));
		pb_u64(&throttle, 3, stats_key(stat, "throttled_time"));
	}
	pb_msg(&cpu, 2, &throttle);
	pb_msg(out, 3, &cpu);
}

static void put_entry(const char *dir, const char *module, uint32_t field, struct buf *m)
{
	static const char *const names[] = { "limit_in_bytes", "usage_in_bytes", "max_usage_in_bytes", "failcnt" };
	struct buf entry = { 0 };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		AUTO_FREE char *file = xprintf("memory.%s%s%s", module, *module ? "." : "", names[i]);
		pb_u64(&entry, (uint32_t)i + 1, stats_number(dir, file));
	}
	pb_msg(m, field, &entry);
}

static void put_memory(const char *dir, struct buf *out)
{
	static const char *const modules[] = { "", "memsw", "kmem", "kmem.tcp" };
	static const char *const oom_keys[] = { "oom_kill_disable", "under_oom", "oom_kill" };
	struct buf m = { 0 }, oom = { 0 };
	AUTO_FREE char *text = stats_text(dir, "memory.stat");
	AUTO_FREE char *control = stats_text(dir, "memory.oom_control");
	for (size_t i = 0; text && i < COUNT_OF(memory_keys); i++)
		pb_u64(&m, (uint32_t)i + 1, stats_key(text, memory_keys[i]));
	for (size_t i = 0; i < COUNT_OF(modules); i++)
		put_entry(dir, modules[i], (uint32_t)i + 33, &m);
	pb_msg(out, 4, &m);
	for (size_t i = 0; control && i < COUNT_OF(oom_keys); i++)
		pb_u64(&oom, (uint32_t)i + 1, stats_key(control, oom_keys[i]));
	pb_msg(out, 9, &oom);
}

/* "" when the kernel has no name for it. */
static char *device_name(unsigned major, unsigned minor)
{
	char target[512];
	AUTO_FREE char *link = xprintf("/sys/dev/block/%u:%u", major, minor);
	ssize_t n = readlink(link, target, sizeof(target) - 1);
	if (n <= 0)
		return xstrdup("");
	target[n] = 0;
	const char *slash = strrchr(target, '/');
	return xprintf("/dev/%s", slash ? slash + 1 : target);
}

/* Lines of `8:0 Read 4096`; a last line `Total 4096` belongs to no device. */
static bool put_blkio(const char *dir, const char *file, uint32_t field, struct buf *out)
{
	AUTO_FREE char *text = stats_text(dir, file);
	char *save = NULL;
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
		unsigned major, minor;
		char op[32] = "";
		unsigned long long value;
		if (sscanf(line, "%u:%u %31[A-Za-z] %llu", &major, &minor, op, &value) != 4) {
			*op = 0;
			if (sscanf(line, "%u:%u %llu", &major, &minor, &value) != 3)
				continue;
		}
		struct buf entry = { 0 };
		AUTO_FREE char *device = device_name(major, minor);
		pb_str(&entry, 1, op);
		pb_str(&entry, 2, device);
		pb_u64(&entry, 3, major);
		pb_u64(&entry, 4, minor);
		pb_u64(&entry, 5, value);
		pb_msg(out, field, &entry);
	}
	return text != NULL;
}

static void put_block_io(const char *dir, struct buf *out)
{
	static const char *const files[] = { "io_service_bytes_recursive", "io_serviced_recursive", "io_queued_recursive",
					     "io_service_time_recursive", "io_wait_time_recursive", "io_merged_recursive",
					     "time_recursive", "sectors_recursive" };
	struct buf m = { 0 };
	bool any = false;
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		AUTO_FREE char *file = xprintf("blkio.%s", files[i]);
		any |= put_blkio(dir, file, (uint32_t)i + 1, &m);
	}
	/* Without the CFQ scheduler there are only the throttling ones. */
	if (!any || m.len == 0) {
		put_blkio(dir, "blkio.throttle.io_service_bytes", 1, &m);
		put_blkio(dir, "blkio.throttle.io_serviced", 2, &m);
	}
	pb_msg(out, 5, &m);
}

void stats_v1(const struct cgroup *cg, struct buf *out)
{
	AUTO_FREE char *hugetlb = cgroup_dir(cg, "hugetlb");
	AUTO_FREE char *pids = cgroup_dir(cg, "pids");
	AUTO_FREE char *memory = cgroup_dir(cg, "memory");
	AUTO_FREE char *blkio = cgroup_dir(cg, "blkio");
	if (hugetlb)
		put_hugetlb(hugetlb, out);
	if (pids)
		put_pids(pids, out);
	put_cpu(cg, out);
	if (memory)
		put_memory(memory, out);
	if (blkio)
		put_block_io(blkio, out);
}
