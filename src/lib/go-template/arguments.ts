import type { Evaluator } from './evaluator.ts';
import type { Parameter } from './functions.ts';
import { formatNode, type Operand } from './nodes.ts';
import { nilPointer, typeOf } from './values.ts';

/** In place of what a command before would have piped in. */
export const noValue: unique symbol = Symbol('no value piped');

/** What a function or method is called with: operands that are looked at when they are wanted, and what was piped in, last. */
export class Arguments {
  readonly #evaluator: Evaluator;
  readonly #dot: unknown;
  readonly #operands: readonly Operand[];
  readonly #piped: unknown;

  constructor(evaluator: Evaluator, dot: unknown, operands: readonly Operand[], piped: unknown) {
    this.#evaluator = evaluator;
    this.#dot = dot;
    this.#operands = operands;
    this.#piped = piped;
  }

  get count(): number {
    return this.#operands.length + (this.#piped === noValue ? 0 : 1);
  }

  /** How the argument was written. */
  text(index: number): string {
    const operand = this.#operands[index];
    return operand === undefined ? '' : formatNode(operand);
  }

  values(kind: (index: number) => Parameter): readonly unknown[] {
    return Array.from({ length: this.count }, (_, index) => this.get(index, kind(index)));
  }

  get(index: number, kind: Parameter): unknown {
    const operand = this.#operands[index];
    return operand === undefined ? this.#checked(kind, this.#piped) : this.value(kind, operand);
  }

  value(kind: Parameter, operand: Operand): unknown {
    this.#evaluator.at(operand);
    switch (operand.kind) {
      case 'dot':
        return this.#checked(kind, this.#dot);
      case 'nil':
        if (kind === 'string' || kind === 'int') this.#evaluator.fail(`cannot assign nil to ${goKind[kind]}`);
        return null;
      case 'field':
      case 'variable':
      case 'chain':
        return this.#checked(kind, this.#evaluator.path(this.#dot, operand));
      case 'pipe':
        return this.#checked(kind, this.#evaluator.pipeline(this.#dot, operand));
      case 'identifier':
        return this.#checked(kind, this.#evaluator.pipeline(this.#dot, call(operand)));
    }
    const value = this.#evaluator.constant(operand);
    if (kind !== 'any' && !fits(kind, value))
      this.#evaluator.fail(
        kind === 'strings'
          ? `can't handle ${formatNode(operand)} for arg of type []string`
          : `expected ${kind === 'int' ? 'integer' : kind}; found ${formatNode(operand)}`,
      );
    return value;
  }

  #checked(kind: Parameter, value: unknown): unknown {
    if (value === nilPointer && kind !== 'any') return kind === 'strings' ? [] : this.#checked(kind, null);
    if (kind === 'any' || fits(kind, value)) return value;
    if (value === undefined || value === null) return this.#evaluator.fail(`invalid value; expected ${goKind[kind]}`);
    return this.#evaluator.fail(`wrong type for value; expected ${goKind[kind]}; got ${typeOf(value)}`);
  }
}

const goKind = { string: 'string', int: 'int', strings: '[]string', any: 'interface {}' } as const;

function fits(kind: Parameter, value: unknown): boolean {
  if (kind === 'string') return typeof value === 'string';
  if (kind === 'int') return Number.isInteger(value);
  if (kind === 'strings') return Array.isArray(value) && value.every((each) => typeof each === 'string');
  return true;
}

/** A function's name where a value is wanted calls it. */
const call = (operand: Operand) =>
  ({
    kind: 'pipe',
    at: operand.at,
    variables: [],
    assigns: false,
    commands: [{ kind: 'command', at: operand.at, operands: [operand] }],
  }) as const;
