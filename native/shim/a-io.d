io.o: src/io.c src/io.h src/shim.h src/base.h src/log.h src/loop.h \
 src/io-private.h src/logger.h src/uri.h src/relay.h
src/io.h:
src/shim.h:
src/base.h:
src/log.h:
src/loop.h:
src/io-private.h:
src/logger.h:
src/uri.h:
src/relay.h:
