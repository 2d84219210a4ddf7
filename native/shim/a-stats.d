stats.o: src/stats.c src/stats.h src/cgroup.h src/base.h src/file.h
src/stats.h:
src/cgroup.h:
src/base.h:
src/file.h:
