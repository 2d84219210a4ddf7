task-shutdown.o: src/task-shutdown.c src/publisher.h src/shim.h \
 src/base.h src/log.h src/loop.h src/service.h src/container.h \
 src/cgroup.h src/io.h src/oom.h src/options.h src/request.h src/mount.h
src/publisher.h:
src/shim.h:
src/base.h:
src/log.h:
src/loop.h:
src/service.h:
src/container.h:
src/cgroup.h:
src/io.h:
src/oom.h:
src/options.h:
src/request.h:
src/mount.h:
