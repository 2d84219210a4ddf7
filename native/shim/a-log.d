log.o: src/log.c src/log.h src/base.h
src/log.h:
src/base.h:
