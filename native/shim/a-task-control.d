task-control.o: src/task-control.c src/events.h src/container.h \
 src/cgroup.h src/base.h src/io.h src/shim.h src/log.h src/loop.h \
 src/oom.h src/options.h src/mount.h src/file.h src/json.h src/runc.h \
 src/service.h src/request.h
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
src/file.h:
src/json.h:
src/runc.h:
src/service.h:
src/request.h:
