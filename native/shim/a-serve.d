serve.o: src/serve.c src/serve.h src/base.h src/child.h src/shim.h \
 src/log.h src/loop.h src/publisher.h src/service.h src/container.h \
 src/cgroup.h src/io.h src/oom.h src/options.h src/request.h src/mount.h
src/serve.h:
src/base.h:
src/child.h:
src/shim.h:
src/log.h:
src/loop.h:
src/publisher.h:
src/service.h:
src/container.h:
src/cgroup.h:
src/io.h:
src/oom.h:
src/options.h:
src/request.h:
src/mount.h:
