json.o: src/json.c src/json.h src/base.h
src/json.h:
src/base.h:
