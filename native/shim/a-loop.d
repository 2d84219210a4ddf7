loop.o: src/loop.c src/loop.h src/base.h src/loop-private.h src/shrink.h
src/loop.h:
src/base.h:
src/loop-private.h:
src/shrink.h:
