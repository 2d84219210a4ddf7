import { messageOf } from '#base/errors';
import { Arguments, noValue } from './arguments.ts';
import type { GoFunction, GoFunctions } from './functions.ts';
import { type Branch, type Command, formatNode, type Node, type Operand, type Pipe } from './nodes.ts';
import type { Definitions } from './parser.ts';
import { goPrint } from './print.ts';
import { goQuote } from './quote.ts';
import { TemplateFault } from './template-fault.ts';
import { GoFloat, isObject, isTrue, keysOf, nilPointer, structType, typeOf } from './values.ts';

/** Templates that call themselves end here; Go allows more, but its stack grows. */
const maxTemplateDepth = 200;

/** How to read a template with a value. */
export interface EvaluationOptions {
  readonly functions: GoFunctions;
  /** A key that a map has not is an error. */
  readonly strict: boolean;
  /** How many nodes may be visited, where templates come from strangers. */
  readonly maxSteps: number;
}

/** Thrown through the bodies of a range. */
class Jump {
  readonly kind: 'break' | 'continue';

  constructor(kind: 'break' | 'continue') {
    this.kind = kind;
  }
}

/** One reading of a template with a value. */
export class Evaluator {
  readonly #source: string;
  readonly #definitions: Definitions;
  readonly #options: EvaluationOptions;
  readonly #out: string[] = [];
  #variables: { readonly name: string; value: unknown }[] = [];
  #template = '';
  #node: Operand | Command | Node | undefined;
  #depth = 0;
  #steps = 0;

  constructor(source: string, definitions: Definitions, options: EvaluationOptions) {
    this.#source = source;
    this.#definitions = definitions;
    this.#options = options;
  }

  /** @throws TemplateFault */
  run(value: unknown): string {
    this.#variables = [{ name: '$', value }];
    this.#walkAll(value, this.#definitions.get('') ?? []);
    return this.#out.join('');
  }

  /** @throws TemplateFault with the message and the place of the node that is at work */
  fail(message: string, cause?: unknown): never {
    const node = this.#node;
    const before = this.#source.slice(0, node?.at ?? 0);
    const line = before.split('\n').length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1));
    const where = `template: :${line}:${column}: executing ${goQuote(this.#template)} at <${node === undefined ? '' : formatNode(node)}>`;
    throw new TemplateFault('execute', `${where}: ${message}`, cause);
  }

  /** Errors from now on are about this node. */
  at(node: Operand | Command | Node): void {
    this.#node = node;
    this.#step();
  }

  #step(): void {
    if (++this.#steps > this.#options.maxSteps) this.fail(`takes more than ${this.#options.maxSteps} steps`);
  }

  #walkAll(dot: unknown, nodes: readonly Node[]): void {
    for (const node of nodes) this.#walk(dot, node);
  }

  #walk(dot: unknown, node: Node): void {
    this.at(node);
    switch (node.kind) {
      case 'text':
        this.#out.push(node.text);
        return;
      case 'action': {
        const value = this.pipeline(dot, node.pipe);
        if (node.pipe.variables.length === 0) this.#print(node, value);
        return;
      }
      case 'break':
      case 'continue':
        throw new Jump(node.kind);
      case 'template':
        this.#call(dot, node);
        return;
      case 'range':
        this.#range(dot, node);
        return;
      default:
        this.#ifOrWith(dot, node);
    }
  }

  #print(node: Node, value: unknown): void {
    this.at(node);
    if (typeof value === 'function') this.fail(`can't print ${formatNode(node)} of type func()`);
    this.#out.push(value === undefined || value === null ? '<no value>' : goPrint(value));
  }

  #scoped(work: () => void): void {
    const mark = this.#variables.length;
    try {
      work();
    } finally {
      this.#variables.length = mark;
    }
  }

  #ifOrWith(dot: unknown, { kind, pipe, body, otherwise }: Branch): void {
    this.#scoped(() => {
      const value = this.pipeline(dot, pipe);
      if (isTrue(value)) this.#walkAll(kind === 'with' ? value : dot, body);
      else if (otherwise !== undefined) this.#walkAll(dot, otherwise);
    });
  }

  #range(dot: unknown, branch: Branch): void {
    const { pipe, body, otherwise } = branch;
    this.#scoped(() => {
      // Its variables get an element each time, not the whole.
      const value = this.pipeline(dot, { ...pipe, variables: [] });
      const [first, second] = pipe.variables;
      let empty = true;
      for (const [key, element] of this.#elements(value, pipe)) {
        empty = false;
        this.#step();
        const more = this.#once(() => {
          // A single variable is the element, and of a number that is counted to the count.
          if (first !== undefined) this.#bind(pipe, first, second === undefined ? element : key);
          if (second !== undefined) this.#bind(pipe, second, element);
          this.#walkAll(element, body);
        });
        if (!more) break;
      }
      if (empty && otherwise !== undefined) this.#walkAll(dot, otherwise);
    });
  }

  /** One turn of a range; false after a break. */
  #once(turn: () => void): boolean {
    try {
      this.#scoped(turn);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof Jump)) throw thrown;
      return thrown.kind === 'continue';
    }
  }

  #elements(value: unknown, pipe: Pipe): Iterable<readonly [unknown, unknown]> {
    if (value === undefined || value === null || value === nilPointer) return [];
    if (Array.isArray(value)) return value.entries();
    if (isObject(value) && structType(value) === undefined)
      return keysOf(value).map((key) => [key, value[key]] as const);
    const [command] = pipe.commands;
    // Go tells of the last operand that it looked at.
    if (pipe.commands.length === 1 && command?.operands.length === 1 && command.operands[0] !== undefined)
      this.at(command.operands[0]);
    if (typeof value === 'number' && Number.isInteger(value)) {
      if (pipe.variables.length < 2) return counting(value);
      return this.fail(`can't use ${value} to iterate over more than one variable`);
    }
    return this.fail(`range can't iterate over ${goPrint(value)}`);
  }

  #call(dot: unknown, node: Node & { readonly kind: 'template' }): void {
    const nodes = this.#definitions.get(node.name);
    if (nodes === undefined) this.fail(`template ${goQuote(node.name)} not defined`);
    if (this.#depth === maxTemplateDepth) this.fail(`exceeded maximum template depth (${maxTemplateDepth})`);
    const value = node.pipe === undefined ? undefined : this.pipeline(dot, node.pipe);
    const outer = { variables: this.#variables, template: this.#template };
    this.#variables = [{ name: '$', value }];
    this.#template = node.name;
    this.#depth++;
    this.#walkAll(value, nodes);
    this.#depth--;
    this.#variables = outer.variables;
    this.#template = outer.template;
  }

  #bind({ assigns }: Pipe, name: string, value: unknown): void {
    if (!assigns) {
      this.#variables.push({ name, value });
      return;
    }
    const known = this.#variables.findLast((each) => each.name === name);
    if (known === undefined) this.fail(`undefined variable: ${name}`);
    else known.value = value;
  }

  /** What a pipeline comes to; its variables have it then. */
  pipeline(dot: unknown, pipe: Pipe): unknown {
    this.at(pipe);
    let value: unknown = noValue;
    for (const command of pipe.commands) value = this.#command(dot, command, value);
    for (const name of pipe.variables) this.#bind(pipe, name, value);
    return value;
  }

  #command(dot: unknown, command: Command, piped: unknown): unknown {
    const [first, ...rest] = command.operands;
    if (first === undefined) return this.fail('empty command');
    const args = new Arguments(this, dot, rest, piped);
    if (first.kind === 'identifier') return this.#function(first.name, first, command, args);
    if (first.kind === 'field' || first.kind === 'variable' || first.kind === 'chain')
      return this.path(dot, first, args);
    if (first.kind === 'pipe') {
      if (args.count > 0) this.#notCallable(first);
      return this.pipeline(dot, first);
    }
    this.at(first);
    if (args.count > 0) this.#notCallable(first);
    if (first.kind === 'dot') return dot;
    if (first.kind === 'nil') return this.fail('nil is not a command');
    return this.constant(first);
  }

  #notCallable(node: Operand): never {
    this.at(node);
    return this.fail(`can't give argument to non-function ${formatNode(node)}`);
  }

  constant(operand: Operand): unknown {
    if (operand.kind === 'number')
      return operand.float && typeof operand.value === 'number' && Number.isInteger(operand.value)
        ? new GoFloat(operand.value)
        : operand.value;
    return operand.kind === 'bool' || operand.kind === 'string' ? operand.value : null;
  }

  /** What a path of fields leads to; the last of them may be a method. */
  path(
    dot: unknown,
    node: Operand & { readonly kind: 'field' | 'variable' | 'chain' },
    args: Arguments = new Arguments(this, dot, [], noValue),
  ): unknown {
    this.at(node);
    let value = dot;
    if (node.kind === 'variable') {
      value = this.#variables.findLast((each) => each.name === node.name)?.value;
      if (node.path.length === 0 && args.count > 0) this.#notCallable(node);
    }
    if (node.kind === 'chain') {
      if (node.of.kind === 'nil') this.fail(`indirection through explicit nil in ${formatNode(node)}`);
      value = args.value('any', node.of);
    }
    const none = new Arguments(this, dot, [], noValue);
    for (const [index, name] of node.path.entries())
      value = this.#field(value, name, index === node.path.length - 1 ? args : none);
    return value;
  }

  #field(receiver: unknown, name: string, args: Arguments): unknown {
    if (receiver === undefined)
      return this.#options.strict ? this.fail(`nil data; no entry for key ${goQuote(name)}`) : undefined;
    if (receiver === null || receiver === nilPointer) return this.fail(`nil pointer evaluating interface {}.${name}`);
    if (!isObject(receiver)) return this.fail(`can't evaluate field ${name} in type ${typeOf(receiver)}`);
    const known = Object.hasOwn(receiver, name);
    if (structType(receiver) !== undefined) {
      if (!known) return this.fail(`can't evaluate field ${name} in type ${typeOf(receiver)}`);
      const member = receiver[name];
      if (typeof member === 'function') return this.#method(member.bind(receiver), name, args);
      if (args.count > 0) this.fail(`${name} has arguments but cannot be invoked as function`);
      return member ?? nilPointer;
    }
    const entry = known ? receiver[name] : undefined;
    if (typeof entry === 'function') return this.#method(entry.bind(receiver), name, args);
    if (args.count > 0) this.fail(`${name} is not a method but has arguments`);
    if (!known && this.#options.strict) this.fail(`map has no entry for key ${goQuote(name)}`);
    return entry;
  }

  /** Methods take texts: there are no others. */
  #method(method: (...values: readonly unknown[]) => unknown, name: string, args: Arguments): unknown {
    const wanted = method.length;
    if (args.count !== wanted) this.fail(`wrong number of args for ${name}: want ${wanted} got ${args.count}`);
    const values = args.values(() => 'string');
    return this.#run(name, () => method(...values));
  }

  #function(name: string, node: Operand, command: Command, args: Arguments): unknown {
    this.at(node);
    if (name === 'and' || name === 'or') return this.#logical(name, args);
    const known = this.#options.functions[name] as GoFunction;
    const { parameters, more } = known;
    if (more === undefined ? args.count !== parameters.length : args.count < parameters.length) {
      const wanted = `${more === undefined ? '' : 'at least '}${parameters.length}`;
      this.fail(`wrong number of args for ${name}: want ${wanted} got ${args.count}`);
    }
    const values = args.values((index) => parameters[index] ?? more ?? 'any');
    return this.#run(name, () => known.run(...values), { command, args });
  }

  /** `and`, `or`: what stands behind the one that decides is not looked at. */
  #logical(name: 'and' | 'or', args: Arguments): unknown {
    if (args.count === 0) this.fail(`wrong number of args for ${name}: want at least 1 got 0`);
    let value: unknown;
    for (let index = 0; index < args.count; index++) {
      value = args.get(index, 'any');
      if (isTrue(value) === (name === 'or')) break;
    }
    return value;
  }

  #run(name: string, work: () => unknown, of?: { readonly command: Command; readonly args: Arguments }): unknown {
    try {
      return work();
    } catch (thrown) {
      if (thrown instanceof TemplateFault) throw thrown;
      if (of !== undefined) this.at(of.command);
      const said = messageOf(thrown).replace('{operand}', () => of?.args.text(0) ?? '');
      return this.fail(`error calling ${name}: ${said}`, thrown);
    }
  }
}

function* counting(to: number): Iterable<readonly [number, number]> {
  for (let at = 0; at < to; at++) yield [at, at];
}
