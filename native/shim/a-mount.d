mount.o: src/mount.c src/mount.h src/base.h src/loop.h
src/mount.h:
src/base.h:
src/loop.h:
