wire.o: src/wire.c src/wire.h src/base.h
src/wire.h:
src/base.h:
