task-state.o: src/task-state.c src/runc.h src/container.h src/cgroup.h \
 src/base.h src/io.h src/shim.h src/log.h src/loop.h src/oom.h \
 src/options.h src/service.h src/request.h src/mount.h src/stats.h \
 src/wire.h
src/runc.h:
src/container.h:
src/cgroup.h:
src/base.h:
src/io.h:
src/shim.h:
src/log.h:
src/loop.h:
src/oom.h:
src/options.h:
src/service.h:
src/request.h:
src/mount.h:
src/stats.h:
src/wire.h:
