runc.o: src/runc.c src/runc.h src/container.h src/cgroup.h src/base.h \
 src/io.h src/shim.h src/log.h src/loop.h src/oom.h src/options.h \
 src/file.h src/json.h src/runc-call.h
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
src/file.h:
src/json.h:
src/runc-call.h:
