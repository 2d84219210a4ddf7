relay.o: src/relay.c src/relay.h src/loop.h src/base.h
src/relay.h:
src/loop.h:
src/base.h:
