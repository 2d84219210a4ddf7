frame.o: src/frame.c src/frame.h src/base.h
src/frame.h:
src/base.h:
