oom.o: src/oom.c src/oom.h src/cgroup.h src/base.h src/shim.h src/log.h \
 src/loop.h src/events.h src/container.h src/io.h src/options.h \
 src/mount.h src/file.h
src/oom.h:
src/cgroup.h:
src/base.h:
src/shim.h:
src/log.h:
src/loop.h:
src/events.h:
src/container.h:
src/io.h:
src/options.h:
src/mount.h:
src/file.h:
