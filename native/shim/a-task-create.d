task-create.o: src/task-create.c src/bundle.h src/base.h src/console.h \
 src/shim.h src/log.h src/loop.h src/events.h src/container.h \
 src/cgroup.h src/io.h src/oom.h src/options.h src/mount.h src/exits.h \
 src/file.h src/identifier.h src/launch.h src/runc.h src/service.h \
 src/request.h src/wire.h
src/bundle.h:
src/base.h:
src/console.h:
src/shim.h:
src/log.h:
src/loop.h:
src/events.h:
src/container.h:
src/cgroup.h:
src/io.h:
src/oom.h:
src/options.h:
src/mount.h:
src/exits.h:
src/file.h:
src/identifier.h:
src/launch.h:
src/runc.h:
src/service.h:
src/request.h:
src/wire.h:
