#include "stats.h"
#include "wire.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

/* By field number, from 1; "" is none. */
static const char *const cpu_keys[] = { "usage_usec", "user_usec", "system_usec", "nr_periods", "nr_throttled", "throttled_usec" };
static const char *const memory_keys[] = {
	"anon", "file", "kernel_stack", "slab", "sock", "shmem", "file_mapped", "file_dirty", "file_writeback",
	"anon_thp", "inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable",
	"slab_reclaimable", "slab_unreclaimable", "pgfault", "pgmajfault", "workingset_refault",
	"workingset_activate", "workingset_nodereclaim", "pgrefill", "pgscan", "pgsteal", "pgactivate",
	"pgdeactivate", "pglazyfree", "pglazyfreed", "thp_fault_alloc", "thp_collapse_alloc",
};
static const char *const event_keys[] = { "low", "high", "max", "oom", "oom_kill" };

static void put_keys(struct buf *m, const char *text, const char *const *keys, size_t count)
{
	for (size_t i = 0; text && i < count; i++)
		pb_u64(m, (uint32_t)i + 1, stats_key(text, keys[i]));
}

static void put_memory(const char *dir, struct buf *out)
{
	struct buf m = { 0 };
	AUTO_FREE char *text = stats_text(dir, "memory.stat");
	put_keys(&m, text, memory_keys, COUNT_OF(memory_keys));
	/* Linux 5.9 split this one in two. */
	if (text && stats_key(text, "workingset_refault") == 0)
		pb_u64(&m, 20, stats_key(text, "workingset_refault_anon") + stats_key(text, "workingset_refault_file"));
	if (text && stats_key(text, "workingset_activate") == 0)
		pb_u64(&m, 21, stats_key(text, "workingset_activate_anon") + stats_key(text, "workingset_activate_file"));
	pb_u64(&m, 32, stats_number(dir, "memory.current"));
	pb_u64(&m, 33, stats_number(dir, "memory.max"));
	pb_u64(&m, 34, stats_number(dir, "memory.swap.current"));
	pb_u64(&m, 35, stats_number(dir, "memory.swap.max"));
	pb_msg(out, 4, &m);
}

/* Lines of `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`. */
static void put_io(const char *dir, struct buf *out)
{
	static const char *const keys[] = { "rbytes=", "wbytes=", "rios=", "wios=" };
	struct buf io = { 0 };
	AUTO_FREE char *text = stats_text(dir, "io.stat");
	char *save = NULL;
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
		struct buf entry = { 0 };
		unsigned major, minor;
		if (sscanf(line, "%u:%u", &major, &minor) != 2)
			continue;
		pb_u64(&entry, 1, major);
		pb_u64(&entry, 2, minor);
		for (size_t i = 0; i < COUNT_OF(keys); i++) {
			char *at = strstr(line, keys[i]);
			pb_u64(&entry, (uint32_t)i + 3, at ? strtoull(at + strlen(keys[i]), NULL, 10) : 0);
		}
		pb_msg(&io, 1, &entry);
	}
	pb_msg(out, 6, &io);
}

/* Lines of `mlx4_0 hca_handle=2 hca_object=2000`. */
static void put_rdma_file(const char *dir, const char *file, uint32_t field, struct buf *out)
{
	AUTO_FREE char *text = stats_text(dir, file);
	char *save = NULL;
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
		struct buf entry = { 0 };
		char *handles = strstr(line, "hca_handle="), *objects = strstr(line, "hca_object=");
		AUTO_FREE char *device = xstrndup(line, strcspn(line, " "));
		pb_str(&entry, 1, device);
		pb_u64(&entry, 2, handles ? (strncmp(handles + 11, "max", 3) ? strtoul(handles + 11, NULL, 10) : UINT32_MAX) : 0);
		pb_u64(&entry, 3, objects ? (strncmp(objects + 11, "max", 3) ? strtoul(objects + 11, NULL, 10) : UINT32_MAX) : 0);
		pb_msg(out, field, &entry);
	}
}

static void put_hugetlb(const char *dir, struct buf *out)
{
	DIR *d = opendir(dir);
	for (struct dirent *de; d && (de = readdir(d));) {
		size_t n = strlen(de->d_name);
		if (strncmp(de->d_name, "hugetlb.", 8) != 0 || n < 17 || strcmp(de->d_name + n - 8, ".current") != 0 ||
		    strstr(de->d_name, ".rsvd."))
			continue;
		struct buf entry = { 0 };
		AUTO_FREE char *size = xstrndup(de->d_name + 8, n - 16);
		AUTO_FREE char *max = xprintf("hugetlb.%s.max", size);
		pb_u64(&entry, 1, stats_number(dir, de->d_name));
		pb_u64(&entry, 2, stats_number(dir, max));
		pb_str(&entry, 3, size);
		pb_msg(out, 7, &entry);
	}
	if (d)
		closedir(d);
}

void stats_v2_dir(const char *dir, struct buf *out)
{
	struct buf pids = { 0 }, cpu = { 0 }, rdma = { 0 }, events = { 0 };
	pb_u64(&pids, 1, stats_number(dir, "pids.current"));
	pb_u64(&pids, 2, stats_number(dir, "pids.max"));
	pb_msg(out, 1, &pids);
	AUTO_FREE char *cpu_text = stats_text(dir, "cpu.stat");
	put_keys(&cpu, cpu_text, cpu_keys, COUNT_OF(cpu_keys));
	pb_msg(out, 2, &cpu);
	put_memory(dir, out);
	put_rdma_file(dir, "rdma.current", 1, &rdma);
	put_rdma_file(dir, "rdma.max", 2, &rdma);
	pb_msg(out, 5, &rdma);
	put_io(dir, out);
	put_hugetlb(dir, out);
	AUTO_FREE char *event_text = stats_text(dir, "memory.events");
	put_keys(&events, event_text, event_keys, COUNT_OF(event_keys));
	if (event_text)
		pb_msg(out, 8, &events);
}

void stats_v2(const struct cgroup *cg, struct buf *out)
{
	AUTO_FREE char *dir = cgroup_dir(cg, "");
	if (dir)
		stats_v2_dir(dir, out);
}
