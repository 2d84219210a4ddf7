co.o: src/co.c src/loop-private.h src/loop.h src/base.h
src/loop-private.h:
src/loop.h:
src/base.h:
