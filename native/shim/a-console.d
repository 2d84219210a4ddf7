console.o: src/console.c src/console.h src/shim.h src/base.h src/log.h \
 src/loop.h
src/console.h:
src/shim.h:
src/base.h:
src/log.h:
src/loop.h:
