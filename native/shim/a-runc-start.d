runc-start.o: src/runc-start.c src/runc.h src/container.h src/cgroup.h \
 src/base.h src/io.h src/shim.h src/log.h src/loop.h src/oom.h \
 src/options.h
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
