identifier.o: src/identifier.c src/identifier.h
src/identifier.h:
