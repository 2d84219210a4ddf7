json-string.o: src/json-string.c src/json.h src/base.h
src/json.h:
src/base.h:
