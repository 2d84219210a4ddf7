socket.o: src/socket.c src/socket.h src/base.h src/sha256.h
src/socket.h:
src/base.h:
src/sha256.h:
