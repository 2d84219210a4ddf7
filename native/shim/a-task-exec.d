task-exec.o: src/task-exec.c src/events.h src/container.h src/cgroup.h \
 src/base.h src/io.h src/shim.h src/log.h src/loop.h src/oom.h \
 src/options.h src/mount.h src/exec-spec.h src/identifier.h src/service.h \
 src/request.h
src/events.h:
src/container.h:
src/cgroup.h:
src/base.h:
src/io.h:
src/shim.h:
src/log.h:
src/loop.h:
src/oom.h:
src/options.h:
src/mount.h:
src/exec-spec.h:
src/identifier.h:
src/service.h:
src/request.h:
