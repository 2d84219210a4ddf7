/** What a function takes at one place: anything, or what Go would check for it. */
export type Parameter = 'any' | 'string' | 'int' | 'strings';

/** A function that templates may call. What it throws is told as `error calling NAME: …`. */
export interface GoFunction {
  readonly parameters: readonly Parameter[];
  /** Any number of further arguments of this kind. */
  readonly more?: Parameter;
  run(...values: readonly unknown[]): unknown;
}

export type GoFunctions = Readonly<Record<string, GoFunction>>;

export const goFunction = (
  parameters: readonly Parameter[],
  run: (...values: readonly never[]) => unknown,
  more?: Parameter,
): GoFunction => ({
  parameters,
  ...(more === undefined ? {} : { more }),
  // The evaluator has checked the values by the very kinds that stand here.
  run: run as (...values: readonly unknown[]) => unknown,
});
