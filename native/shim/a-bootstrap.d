bootstrap.o: src/bootstrap.c src/bootstrap.h src/args.h src/base.h \
 src/options.h src/json.h src/wire.h
src/bootstrap.h:
src/args.h:
src/base.h:
src/options.h:
src/json.h:
src/wire.h:
