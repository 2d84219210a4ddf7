import type { MetricKind } from '#base/metrics';

/** One number of one container. */
export interface Figure {
  /** Without the common beginning: `memory_usage_bytes`. */
  readonly name: string;
  readonly kind: MetricKind;
  readonly value: bigint;
  /** Besides container and namespace. */
  readonly labels?: Readonly<Record<string, string>>;
}

type Counters<T> = { readonly [K in keyof T]: T[K] extends bigint ? T[K] : never };

/** A figure of every field that is a number, named after the field between `before` and `after`. */
export function figuresOf<T extends object>(
  message: T | undefined,
  name: (field: string) => string | undefined,
  kind: MetricKind = 'gauge',
): readonly Figure[] {
  if (message === undefined) return [];
  return Object.entries(message as Counters<T>).flatMap(([field, value]) => {
    const named = name(field);
    return named === undefined || typeof value !== 'bigint' ? [] : [{ name: named, kind, value }];
  });
}

/** `throttledUsec` → `throttled_usec`. */
export const snakeCase = (field: string): string => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
