io-open.o: src/io-open.c src/io-private.h src/io.h src/shim.h src/base.h \
 src/log.h src/loop.h src/logger.h src/uri.h src/relay.h
src/io-private.h:
src/io.h:
src/shim.h:
src/base.h:
src/log.h:
src/loop.h:
src/logger.h:
src/uri.h:
src/relay.h:
