uri.o: src/uri.c src/uri.h src/base.h
src/uri.h:
src/base.h:
