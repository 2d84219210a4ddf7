start.o: src/start.c src/actions.h src/args.h src/base.h src/bootstrap.h \
 src/options.h src/bundle.h src/cgroup.h src/file.h src/serve.h \
 src/socket.h
src/actions.h:
src/args.h:
src/base.h:
src/bootstrap.h:
src/options.h:
src/bundle.h:
src/cgroup.h:
src/file.h:
src/serve.h:
src/socket.h:
