import { failedPrecondition, invalidArgument } from '#base/errors';
import { type AnyPlugin, pluginName } from '#core/plugin/plugin';

/**
 * The plugins so that each comes after all that it needs, otherwise in the order given.
 *
 * @throws failed_precondition naming the loop; invalid_argument when two have one name
 */
export function orderPlugins(plugins: readonly AnyPlugin[]): readonly AnyPlugin[] {
  const names = new Set<string>();
  for (const name of plugins.map(pluginName)) {
    if (names.has(name)) throw invalidArgument(`two plugins are called ${name}`);
    names.add(name);
  }
  const ordered = new Set<AnyPlugin>();
  const path: AnyPlugin[] = [];
  const visit = (plugin: AnyPlugin) => {
    if (ordered.has(plugin)) return;
    const from = path.indexOf(plugin);
    if (from >= 0)
      throw failedPrecondition(`plugin loop: ${[...path.slice(from), plugin].map(pluginName).join(' -> ')}`);
    path.push(plugin);
    for (const need of Object.values(plugin.needs)) {
      for (const candidate of plugins) {
        if (candidate.uri === need.uri && (need.id === undefined || need.id === candidate.id)) visit(candidate);
      }
    }
    path.pop();
    ordered.add(plugin);
  };
  for (const plugin of plugins) visit(plugin);
  return [...ordered];
}
