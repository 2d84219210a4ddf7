#include "addon.h"

/* Loaded once per environment (the main thread, each worker): nothing here may depend on being the first. */
NAPI_MODULE_INIT() {
  export_at(env, exports);
  export_btrfs(env, exports);
  export_copy(env, exports);
  export_directory(env, exports);
  export_file(env, exports);
  export_loop(env, exports);
  export_mount(env, exports);
  export_memory(env, exports);
  export_network(env, exports);
  export_process(env, exports);
  export_remove(env, exports);
  export_sealed(env, exports);
  export_socket(env, exports);
  export_terminal(env, exports);
  export_tree(env, exports);
  export_usage(env, exports);
  export_watch(env, exports);
  export_xattr(env, exports);
  return exports;
}
