#include "addon.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

/*
 * Each job has a thread of its own, not a place in the runtime's pool: a sync of a slow disk may take seconds, and the
 * pool, with as many threads as processors, also serves every file operation of the program.
 */

static void job_free(struct job *job) {
  if (job->release != NULL) job->release(job);
  free(job->path);
  free(job);
}

static void *job_thread(void *data) {
  struct job *job = data;
  napi_threadsafe_function tsfn = job->tsfn;
  job->run(job);
  /* The environment (a worker) may have ended meanwhile; then nobody waits for the answer. */
  if (napi_call_threadsafe_function(tsfn, job, napi_tsfn_blocking) != napi_ok) {
    job_free(job);
    return NULL;
  }
  napi_release_threadsafe_function(tsfn, napi_tsfn_release);
  return NULL;
}

static void job_done(napi_env env, napi_value callback, void *context, void *data) {
  (void)callback;
  (void)context;
  struct job *job = data;
  if (env != NULL) {
    if (job->error != 0) {
      napi_reject_deferred(env, job->deferred, make_error(env, job->error, job->syscall, job->path));
    } else {
      napi_resolve_deferred(env, job->deferred, job->result == NULL ? js_undefined(env) : job->result(env, job));
    }
  }
  job_free(job);
}

napi_value job_start(napi_env env, struct job *job) {
  napi_value name, promise;
  napi_create_string_utf8(env, "berth job", NAPI_AUTO_LENGTH, &name);
  if (napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, NULL, NULL, NULL, job_done, &job->tsfn) != napi_ok) {
    job_free(job);
    return fail(env, ENOMEM, "napi_create_threadsafe_function", NULL);
  }
  napi_create_promise(env, &job->deferred, &promise);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, job_thread, job);
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    napi_release_threadsafe_function(job->tsfn, napi_tsfn_release);
    job_free(job);
    return fail(env, error, "pthread_create", NULL);
  }
  return promise;
}
