child.o: src/child.c src/child.h src/shim.h src/base.h src/log.h \
 src/loop.h src/exits.h src/container.h src/cgroup.h src/io.h src/oom.h \
 src/options.h
src/child.h:
src/shim.h:
src/base.h:
src/log.h:
src/loop.h:
src/exits.h:
src/container.h:
src/cgroup.h:
src/io.h:
src/oom.h:
src/options.h:
