bundle.o: src/bundle.c src/bundle.h src/base.h src/file.h src/json.h
src/bundle.h:
src/base.h:
src/file.h:
src/json.h:
