file.o: src/file.c src/file.h src/base.h
src/file.h:
src/base.h:
