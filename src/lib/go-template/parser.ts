import { describeToken, type Token, tokensOf } from './lexer.ts';
import type { Branch, Command, Node, Operand, Pipe } from './nodes.ts';
import { formatNode } from './nodes.ts';
import { parseNumber } from './number-constant.ts';
import { goQuote, goUnquote } from './quote.ts';
import { TemplateFault } from './template-fault.ts';

/** A template and those that it defines, by name; its own name is `''`. */
export type Definitions = ReadonlyMap<string, readonly Node[]>;

/** Deeper nesting than anybody writes; what reads recursively must not run out of stack. */
const maxDepth = 200;

/** Reads a template that may call the functions for which `known` is true. @throws TemplateFault */
export function parseNodes(source: string, known: (name: string) => boolean): Definitions {
  const parser = new Parser(tokensOf(source), known);
  return parser.definitions();
}

type Ending = 'end' | 'else';

class Parser {
  readonly #tokens: readonly Token[];
  readonly #known: (name: string) => boolean;
  readonly #definitions = new Map<string, readonly Node[]>();
  #variables: string[] = ['$'];
  #at = 0;
  #rangeDepth = 0;
  #depth = 0;
  #actionLine = 0;

  constructor(tokens: readonly Token[], known: (name: string) => boolean) {
    this.#tokens = tokens;
    this.#known = known;
  }

  definitions(): Definitions {
    const main: Node[] = [];
    while (this.#peek().kind !== 'end') {
      const open = this.#peek();
      const next = this.#tokens[this.#at + 1];
      const word = next?.kind === 'space' ? this.#tokens[this.#at + 2] : next;
      if (open.kind === 'open' && word?.kind === 'keyword' && word.text === 'define') {
        this.#next();
        this.#nextSignificant();
        this.#define();
        continue;
      }
      const node = this.#textOrAction();
      if (typeof node === 'string') throw this.#fault(`unexpected {{${node}}}`);
      if (node !== undefined) main.push(node);
    }
    // A template of nothing but space does not replace one of the same name.
    this.#definitions.set('', main);
    return this.#definitions;
  }

  #define(): void {
    const context = 'define clause';
    const name = this.#templateName(context);
    this.#expectClose(context);
    const outer = this.#variables;
    this.#variables = ['$'];
    const { nodes, ending } = this.#list();
    if (ending !== 'end') throw this.#fault(`unexpected {{${ending}}} in ${context}`);
    this.#variables = outer;
    this.#addDefinition(name, nodes);
  }

  #addDefinition(name: string, nodes: readonly Node[]): void {
    const known = this.#definitions.get(name);
    if (known !== undefined && !isEmpty(known) && !isEmpty(nodes))
      throw this.#fault(`template: multiple definition of template ${goQuote(name)}`);
    if (known === undefined || !isEmpty(nodes)) this.#definitions.set(name, nodes);
  }

  #list(): { readonly nodes: readonly Node[]; readonly ending: Ending } {
    if (++this.#depth > maxDepth) throw this.#fault(`nested deeper than ${maxDepth}`);
    const nodes: Node[] = [];
    while (this.#peek().kind !== 'end') {
      const node = this.#textOrAction();
      if (typeof node === 'string') {
        this.#depth--;
        return { nodes, ending: node };
      }
      if (node !== undefined) nodes.push(node);
    }
    throw this.#fault('unexpected EOF');
  }

  #textOrAction(): Node | Ending | undefined {
    const token = this.#nextSignificant();
    if (token.kind === 'text') return { kind: 'text', at: token.at, text: token.text };
    if (token.kind !== 'open') throw this.#unexpected(token, 'input');
    this.#actionLine = token.line;
    const node = this.#action();
    this.#actionLine = 0;
    return node;
  }

  #action(): Node | Ending {
    const token = this.#nextSignificant();
    if (token.kind === 'keyword') {
      switch (token.text) {
        case 'if':
        case 'range':
        case 'with':
          return this.#branch(token.text);
        case 'end':
          this.#expectClose('end');
          return 'end';
        case 'else':
          // What follows an else on the same line may make it another if.
          if (!this.#isWord('if') && !this.#isWord('with')) this.#expectClose('else');
          return 'else';
        case 'break':
        case 'continue':
          return this.#jump(token.text, token);
        case 'template':
          return this.#template();
        case 'block':
          return this.#block();
      }
    }
    this.#back(token);
    const pipe = this.#pipeline('command', 'close');
    return { kind: 'action', at: pipe.at, pipe };
  }

  #jump(kind: 'break' | 'continue', { at }: Token): Node {
    const token = this.#nextSignificant();
    if (token.kind !== 'close') throw this.#unexpected(token, `{{${kind}}}`);
    if (this.#rangeDepth === 0) throw this.#fault(`{{${kind}}} outside {{range}}`);
    return { kind, at };
  }

  #branch(kind: Branch['kind']): Branch {
    const scope = this.#variables.length;
    const pipe = this.#pipeline(kind, 'close');
    if (kind === 'range') this.#rangeDepth++;
    const { nodes: body, ending } = this.#list();
    if (kind === 'range') this.#rangeDepth--;
    const otherwise = ending === 'else' ? this.#otherwise(kind) : undefined;
    this.#variables.length = scope;
    return { kind, at: pipe.at, pipe, body, otherwise };
  }

  #otherwise(kind: Branch['kind']): readonly Node[] {
    const word = kind !== 'range' && this.#isWord(kind) ? kind : undefined;
    if (word === undefined) {
      const { nodes, ending } = this.#list();
      if (ending !== 'end') throw this.#fault('expected end; found {{else}}');
      return nodes;
    }
    this.#nextSignificant();
    if (++this.#depth > maxDepth) throw this.#fault(`nested deeper than ${maxDepth}`);
    const inner = this.#branch(word);
    this.#depth--;
    // The inner one took the end for both.
    return [inner];
  }

  /** Whether the parser stands inside `{{else …`, not behind its braces. */
  #previousIsElse(): boolean {
    let at = this.#at - 1;
    while (this.#tokens[at]?.kind === 'space') at--;
    return this.#tokens[at]?.text === 'else' && this.#tokens[at]?.kind === 'keyword';
  }

  #template(): Node {
    const context = 'template clause';
    const name = this.#templateName(context);
    const { at } = this.#lastRead;
    if (this.#peekSignificant().kind === 'close') {
      this.#nextSignificant();
      return { kind: 'template', at, name, pipe: undefined };
    }
    return { kind: 'template', at, name, pipe: this.#pipeline(context, 'close') };
  }

  #block(): Node {
    const name = this.#templateName('block clause');
    const { at } = this.#lastRead;
    const pipe = this.#pipeline('block clause', 'close');
    const outer = this.#variables;
    this.#variables = ['$'];
    const { nodes, ending } = this.#list();
    if (ending !== 'end') throw this.#fault(`unexpected {{${ending}}} in block clause`);
    this.#variables = outer;
    this.#addDefinition(name, nodes);
    return { kind: 'template', at, name, pipe };
  }

  #templateName(context: string): string {
    const token = this.#nextSignificant();
    if (token.kind !== 'string' && token.kind !== 'raw') throw this.#unexpected(token, context);
    return this.#unquoted(token);
  }

  #pipeline(context: string, end: 'close' | ')'): Pipe {
    const first = this.#peekSignificant();
    const declared = this.#declarations(context);
    const commands: Command[] = [];
    while (true) {
      const token = this.#nextSignificant();
      if (token.kind === 'close' ? end === 'close' : token.kind === 'punctuation' && token.text === end) {
        this.#checkPipeline(commands, context);
        this.#variables.push(...(declared?.assigns === false ? declared.names : []));
        const { names = [], assigns = false } = declared ?? {};
        return { kind: 'pipe', at: first.at, variables: names, assigns, commands };
      }
      if (!startsOperand(token)) throw this.#unexpected(token, context);
      this.#back(token);
      commands.push(this.#command());
    }
  }

  #declarations(context: string): { readonly names: readonly string[]; readonly assigns: boolean } | undefined {
    const names: string[] = [];
    const start = this.#at;
    while (true) {
      const variable = this.#peekSignificant();
      if (variable.kind !== 'variable') break;
      this.#nextSignificant();
      const next = this.#peekSignificant();
      if (next.kind === 'punctuation' && (next.text === ':=' || next.text === '=')) {
        this.#nextSignificant();
        return { names: [...names, variable.text], assigns: next.text === '=' };
      }
      if (next.kind === 'punctuation' && next.text === ',') {
        this.#nextSignificant();
        if (context !== 'range' || names.length > 0) throw this.#fault(`too many declarations in ${context}`);
        names.push(variable.text);
        if (this.#peekSignificant().kind !== 'variable') throw this.#fault('range can only initialize variables');
        continue;
      }
      break;
    }
    this.#at = start;
    return undefined;
  }

  #checkPipeline(commands: readonly Command[], context: string): void {
    if (commands.length === 0) throw this.#fault(`missing value for ${context}`);
    for (const [stage, { operands }] of commands.entries())
      if (stage > 0 && ['bool', 'dot', 'nil', 'number', 'string'].includes(operands[0]?.kind ?? ''))
        throw this.#fault(`non executable command in pipeline stage ${stage + 1}`);
  }

  #command(): Command {
    const operands: Operand[] = [];
    const { at } = this.#peekSignificant();
    while (true) {
      this.#peekSignificant();
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
      const token = this.#next();
      if (token.kind === 'space') continue;
      if (token.kind === 'close' || (token.kind === 'punctuation' && token.text === ')')) this.#back(token);
      else if (!(token.kind === 'punctuation' && token.text === '|')) throw this.#unexpected(token, 'operand');
      if (operands.length === 0) throw this.#fault('empty command');
      return { kind: 'command', at, operands };
    }
  }

  #operand(): Operand | undefined {
    const term = this.#term();
    if (term === undefined || this.#peek().kind !== 'field') return term;
    const { at } = this.#peek();
    const path: string[] = [];
    while (this.#peek().kind === 'field') path.push(this.#next().text.slice(1));
    if (term.kind === 'field') return { ...term, at, path: [...term.path, ...path] };
    if (term.kind === 'variable') return { ...term, at, path: [...term.path, ...path] };
    if (['bool', 'string', 'number', 'nil', 'dot'].includes(term.kind))
      throw this.#fault(`unexpected . after term ${goQuote(formatNode(term))}`);
    return { kind: 'chain', at, of: term, path };
  }

  #term(): Operand | undefined {
    // What ends a command is left for the command to see.
    const token = this.#nextSignificant();
    const { at, text } = token;
    switch (token.kind) {
      case 'identifier':
        if (text === '.') return { kind: 'dot', at };
        if (!this.#known(text)) throw this.#fault(`function ${goQuote(text)} not defined`);
        return { kind: 'identifier', at, name: text };
      case 'keyword':
        if (text === 'nil') return { kind: 'nil', at };
        break;
      case 'variable':
        this.#mustKnow(text);
        return { kind: 'variable', at, name: text, path: [] };
      case 'field':
        return { kind: 'field', at, path: [text.slice(1)] };
      case 'bool':
        return { kind: 'bool', at, value: text === 'true' };
      case 'char':
      case 'number':
        return this.#number(token);
      case 'string':
      case 'raw':
        return { kind: 'string', at, source: text, value: this.#unquoted(token) };
      case 'punctuation':
        if (text === '(') return this.#parenthesized();
        break;
    }
    this.#back(token);
    return undefined;
  }

  #parenthesized(): Operand {
    if (++this.#depth > maxDepth) throw this.#fault('max expression depth exceeded');
    const pipe = this.#pipeline('parenthesized pipeline', ')');
    this.#depth--;
    return pipe;
  }

  #number({ at, text, kind }: Token): Operand {
    const parsed = parseNumber(text, kind === 'char');
    if (typeof parsed === 'string') throw this.#fault(parsed);
    return { kind: 'number', at, source: text, ...parsed };
  }

  #unquoted({ text }: Token): string {
    const value = goUnquote(text);
    if (value === undefined) throw this.#fault('invalid syntax');
    return value;
  }

  #mustKnow(variable: string): void {
    if (!this.#variables.includes(variable)) throw this.#fault(`undefined variable ${goQuote(variable)}`);
  }

  #isWord(word: string): boolean {
    return (
      this.#previousIsElse() && this.#peekSignificant().kind === 'keyword' && this.#peekSignificant().text === word
    );
  }

  #expectClose(context: string): void {
    const token = this.#nextSignificant();
    if (token.kind !== 'close') throw this.#unexpected(token, context);
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)] as Token;
  }

  get #lastRead(): Token {
    return this.#tokens[Math.max(0, this.#at - 1)] as Token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #peekSignificant(): Token {
    while (this.#peek().kind === 'space') this.#at++;
    return this.#peek();
  }

  #nextSignificant(): Token {
    this.#peekSignificant();
    return this.#next();
  }

  #back(token: Token): void {
    this.#at = this.#tokens.indexOf(token, Math.max(0, this.#at - 2));
  }

  #unexpected(token: Token, context: string): TemplateFault {
    if (token.kind !== 'error') return this.#fault(`unexpected ${describeToken(token)} in ${context}`, token.line);
    const begun = this.#actionLine;
    if (begun === 0 || begun === token.line) return this.#fault(token.text, token.line);
    const where = ` in action started at :${begun}`;
    return this.#fault(
      token.text + (token.text.endsWith(' action') ? where.slice(' in action'.length) : where),
      token.line,
    );
  }

  #fault(message: string, line = this.#lastRead.line): TemplateFault {
    return new TemplateFault('parse', `template: :${line}: ${message}`);
  }
}

const startsOperand = ({ kind, text }: Token): boolean =>
  ['identifier', 'field', 'variable', 'string', 'raw', 'char', 'number', 'bool'].includes(kind) ||
  (kind === 'keyword' && text === 'nil') ||
  (kind === 'punctuation' && text === '(');

const isEmpty = (nodes: readonly Node[]): boolean =>
  nodes.every((node) => node.kind === 'text' && node.text.trim() === '');
