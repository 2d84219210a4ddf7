shrink.o: src/shrink.c src/shrink.h src/loop-private.h src/loop.h \
 src/base.h
src/shrink.h:
src/loop-private.h:
src/loop.h:
src/base.h:
