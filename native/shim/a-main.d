main.o: src/main.c src/actions.h src/args.h src/base.h
src/actions.h:
src/args.h:
src/base.h:
