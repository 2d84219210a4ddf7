delete.o: src/delete.c src/actions.h src/args.h src/base.h src/child.h \
 src/shim.h src/log.h src/loop.h src/file.h src/mount.h src/runc.h \
 src/container.h src/cgroup.h src/io.h src/oom.h src/options.h \
 src/socket.h src/wire.h
src/actions.h:
src/args.h:
src/base.h:
src/child.h:
src/shim.h:
src/log.h:
src/loop.h:
src/file.h:
src/mount.h:
src/runc.h:
src/container.h:
src/cgroup.h:
src/io.h:
src/oom.h:
src/options.h:
src/socket.h:
src/wire.h:
