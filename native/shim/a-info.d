info.o: src/info.c src/actions.h src/args.h src/base.h src/bootstrap.h \
 src/options.h src/file.h src/json.h src/wire.h
src/actions.h:
src/args.h:
src/base.h:
src/bootstrap.h:
src/options.h:
src/file.h:
src/json.h:
src/wire.h:
