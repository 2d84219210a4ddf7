import { FilterFormError, type Filters, parseFilters } from '#ops/filters';
import { list } from '../cli/flags.ts';
import { Exit } from '../cli/io.ts';

/** `--filter`, which many commands have. */
export const filterFlag = (help = 'Filter output based on conditions provided') =>
  list(help, { alias: 'f', value: 'filter' });

/**
 * Its words, for a command that knows these keys.
 *
 * @throws Exit 125 for what is not `name=value`; invalid_argument for another key
 */
export function filtersOf(words: readonly string[], known: readonly string[]): Filters {
  try {
    return parseFilters(words, known);
  } catch (thrown) {
    throw thrown instanceof FilterFormError ? new Exit(125, thrown.message) : thrown;
  }
}
