stats-v1.o: src/stats-v1.c src/stats.h src/cgroup.h src/base.h src/wire.h
src/stats.h:
src/cgroup.h:
src/base.h:
src/wire.h:
