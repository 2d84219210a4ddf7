base.o: src/base.c src/base.h
src/base.h:
