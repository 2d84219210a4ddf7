request.o: src/request.c src/request.h src/base.h src/mount.h src/wire.h
src/request.h:
src/base.h:
src/mount.h:
src/wire.h:
