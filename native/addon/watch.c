#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/*
 * Waiting for descriptors (a pidfd, a fifo) without a thread for each: one thread for the process, started with the
 * first wait, sleeps in epoll and sends every event to the environment that asked. Waits are known by number, so that a
 * cancelled one can be forgotten while its event is on the way.
 */
struct wait {
  struct wait *next;
  uint64_t number;
  int fd; /* a duplicate of ours: the caller may close his at any time */
  napi_deferred deferred;
  napi_threadsafe_function tsfn;
  uint32_t events;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct wait *waits;
static uint64_t last_number;
static int epoll_fd = -1;

static struct wait *take(uint64_t number) {
  pthread_mutex_lock(&lock);
  struct wait **at = &waits;
  while (*at != NULL && (*at)->number != number) at = &(*at)->next;
  struct wait *found = *at;
  if (found != NULL) *at = found->next;
  pthread_mutex_unlock(&lock);
  return found;
}

static void deliver(struct wait *wait) {
  napi_threadsafe_function tsfn = wait->tsfn;
  epoll_ctl(epoll_fd, EPOLL_CTL_DEL, wait->fd, NULL);
  close(wait->fd);
  if (napi_call_threadsafe_function(tsfn, wait, napi_tsfn_blocking) != napi_ok) {
    free(wait);
    return;
  }
  napi_release_threadsafe_function(tsfn, napi_tsfn_release);
}

static void *watch_thread(void *data) {
  (void)data;
  struct epoll_event events[64];
  for (;;) {
    int count = epoll_wait(epoll_fd, events, 64, -1);
    for (int i = 0; i < count; i++) {
      struct wait *wait = take(events[i].data.u64);
      if (wait == NULL) continue;
      wait->events = events[i].events;
      deliver(wait);
    }
  }
  return NULL;
}

static int start_thread(void) {
  if (epoll_fd >= 0) return 0;
  int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return errno;
  epoll_fd = fd;
  pthread_t thread;
  int error = pthread_create(&thread, NULL, watch_thread, NULL);
  if (error == 0) return pthread_detach(thread);
  close(fd);
  epoll_fd = -1;
  return error;
}

static void wait_done(napi_env env, napi_value callback, void *context, void *data) {
  (void)callback;
  (void)context;
  struct wait *wait = data;
  if (env != NULL) napi_resolve_deferred(env, wait->deferred, js_number(env, wait->events));
  free(wait);
}

/* Once it is in the list and in epoll, the wait may end and be freed at any moment. */
static int enlist(struct wait *wait, uint32_t events, uint64_t *number) {
  int fd = wait->fd;
  pthread_mutex_lock(&lock);
  int error = start_thread();
  if (error == 0) {
    *number = wait->number = ++last_number;
    wait->next = waits;
    waits = wait;
  }
  pthread_mutex_unlock(&lock);
  if (error != 0) return error;
  struct epoll_event event = {.events = events | EPOLLONESHOT, .data.u64 = *number};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0) return 0;
  error = errno;
  take(*number);
  return error;
}

/* { promise, number }: the promise gives the epoll events that came. An unreferenced wait does not keep the program. */
static napi_value watch(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int fd = arg_int(&args, 0);
  uint32_t events = arg_uint(&args, 1), referenced = arg_uint(&args, 2);
  if (args.bad) return NULL;
  struct wait *wait = calloc(1, sizeof *wait);
  if (wait == NULL) return fail(env, ENOMEM, "epoll_ctl", NULL);
  wait->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (wait->fd < 0) {
    free(wait);
    return fail(env, errno, "fcntl", NULL);
  }
  napi_value name, promise, result;
  napi_create_string_utf8(env, "berth watch", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, NULL, NULL, NULL, wait_done, &wait->tsfn);
  if (referenced == 0) napi_unref_threadsafe_function(env, wait->tsfn);
  napi_create_promise(env, &wait->deferred, &promise);
  napi_create_object(env, &result);
  napi_set_named_property(env, result, "promise", promise);
  uint64_t number = 0;
  int error = enlist(wait, events, &number);
  if (error != 0) {
    napi_release_threadsafe_function(wait->tsfn, napi_tsfn_release);
    close(wait->fd);
    free(wait);
    return fail(env, error, "epoll_ctl", NULL);
  }
  napi_set_named_property(env, result, "number", js_number(env, (double)number));
  return result;
}

/* Ends a wait: its promise gives 0 unless the event came first. */
static napi_value unwatch(napi_env env, napi_callback_info info) {
  struct args args;
  args_read(&args, env, info);
  int64_t number = arg_int64(&args, 0);
  if (args.bad) return NULL;
  struct wait *wait = take((uint64_t)number);
  if (wait != NULL) {
    wait->events = 0;
    deliver(wait);
  }
  return js_undefined(env);
}

void export_watch(napi_env env, napi_value exports) {
  export_function(env, exports, "watch", watch);
  export_function(env, exports, "unwatch", unwatch);
}
