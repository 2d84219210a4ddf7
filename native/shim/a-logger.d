logger.o: src/logger.c src/logger.h src/shim.h src/base.h src/log.h \
 src/loop.h src/uri.h src/child.h
src/logger.h:
src/shim.h:
src/base.h:
src/log.h:
src/loop.h:
src/uri.h:
src/child.h:
