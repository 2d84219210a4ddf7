stats-v2.o: src/stats-v2.c src/stats.h src/cgroup.h src/base.h src/wire.h
src/stats.h:
src/cgroup.h:
src/base.h:
src/wire.h:
