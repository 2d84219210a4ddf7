container.o: src/container.c src/container.h src/cgroup.h src/base.h \
 src/io.h src/shim.h src/log.h src/loop.h src/oom.h src/options.h
src/container.h:
src/cgroup.h:
src/base.h:
src/io.h:
src/shim.h:
src/log.h:
src/loop.h:
src/oom.h:
src/options.h:
