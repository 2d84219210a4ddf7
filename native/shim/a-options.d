options.o: src/options.c src/options.h src/base.h src/file.h src/json.h \
 src/wire.h
src/options.h:
src/base.h:
src/file.h:
src/json.h:
src/wire.h:
