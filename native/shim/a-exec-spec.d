exec-spec.o: src/exec-spec.c src/exec-spec.h src/base.h src/json.h
src/exec-spec.h:
src/base.h:
src/json.h:
