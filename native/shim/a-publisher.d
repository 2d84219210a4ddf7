publisher.o: src/publisher.c src/publisher.h src/shim.h src/base.h \
 src/log.h src/loop.h src/child.h src/frame.h src/wire.h
src/publisher.h:
src/shim.h:
src/base.h:
src/log.h:
src/loop.h:
src/child.h:
src/frame.h:
src/wire.h:
