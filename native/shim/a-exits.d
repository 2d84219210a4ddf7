exits.o: src/exits.c src/exits.h src/container.h src/cgroup.h src/base.h \
 src/io.h src/shim.h src/log.h src/loop.h src/oom.h src/options.h \
 src/events.h src/mount.h src/runc.h src/service.h src/request.h
src/exits.h:
src/container.h:
src/cgroup.h:
src/base.h:
src/io.h:
src/shim.h:
src/log.h:
src/loop.h:
src/oom.h:
src/options.h:
src/events.h:
src/mount.h:
src/runc.h:
src/service.h:
src/request.h:
