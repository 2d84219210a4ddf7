print.o: src/print.c src/actions.h src/args.h src/base.h
src/actions.h:
src/args.h:
src/base.h:
