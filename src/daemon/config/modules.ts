import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Raw } from '#base/config';
import { invalidArgument, wrap } from '#base/errors';
import { type AnyPlugin, isPlugin } from '#core/plugin/plugin';

/** Imports the modules that a file names; relative paths are relative to the file. @throws invalid_argument for one that exports no plugin */
export async function loadModules(file: string, modules: Raw | undefined): Promise<readonly AnyPlugin[]> {
  if (!Array.isArray(modules)) return []; // what else it may be is reported when the file is checked
  const plugins: AnyPlugin[] = [];
  for (const path of modules)
    if (typeof path === 'string') plugins.push(await loadModule(file, resolve(dirname(file), path)));
  return plugins;
}

async function loadModule(file: string, path: string): Promise<AnyPlugin> {
  const loaded: { readonly default?: unknown } = await import(pathToFileURL(path).href).catch((thrown: unknown) => {
    throw wrap(thrown, `${file}: plugin_modules: ${path}`);
  });
  if (!isPlugin(loaded.default))
    throw invalidArgument(`${file}: plugin_modules: ${path}: its default export is no plugin`);
  return loaded.default;
}
