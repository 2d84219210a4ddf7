args.o: src/args.c src/args.h src/base.h
src/args.h:
src/base.h:
