overlay.o: src/overlay.c src/mount.h src/base.h
src/mount.h:
src/base.h:
