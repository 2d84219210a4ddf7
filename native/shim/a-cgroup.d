cgroup.o: src/cgroup.c src/cgroup.h src/base.h src/file.h
src/cgroup.h:
src/base.h:
src/file.h:
