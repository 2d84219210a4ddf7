import { goQuote } from './quote.ts';

/** A template's parts after parsing. `at` is the offset that errors name. */
export type Node =
  | { readonly kind: 'text'; readonly at: number; readonly text: string }
  | { readonly kind: 'action'; readonly at: number; readonly pipe: Pipe }
  | Branch
  | { readonly kind: 'break' | 'continue'; readonly at: number }
  | { readonly kind: 'template'; readonly at: number; readonly name: string; readonly pipe: Pipe | undefined };

export interface Branch {
  readonly kind: 'if' | 'range' | 'with';
  readonly at: number;
  readonly pipe: Pipe;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[] | undefined;
}

export interface Pipe {
  readonly kind: 'pipe';
  readonly at: number;
  /** Variables that get its value (`$x :=`), or have it already (`$x =`). */
  readonly variables: readonly string[];
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

export interface Command {
  readonly kind: 'command';
  readonly at: number;
  readonly operands: readonly Operand[];
}

export type Operand =
  | { readonly kind: 'dot'; readonly at: number }
  | { readonly kind: 'nil'; readonly at: number }
  | { readonly kind: 'bool'; readonly at: number; readonly value: boolean }
  | { readonly kind: 'string'; readonly at: number; readonly source: string; readonly value: string }
  | NumberOperand
  | { readonly kind: 'identifier'; readonly at: number; readonly name: string }
  | { readonly kind: 'field'; readonly at: number; readonly path: readonly string[] }
  | { readonly kind: 'variable'; readonly at: number; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'chain'; readonly at: number; readonly of: Operand; readonly path: readonly string[] }
  | Pipe;

export interface NumberOperand {
  readonly kind: 'number';
  readonly at: number;
  readonly source: string;
  readonly value: number | bigint;
  /** Written with a point or an exponent, or not whole. */
  readonly float: boolean;
}

/** A node as errors quote it. */
export function formatNode(node: Operand | Command | Node): string {
  switch (node.kind) {
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'bool':
      return String(node.value);
    case 'string':
    case 'number':
      return node.source;
    case 'identifier':
      return node.name;
    case 'field':
      return dotted(node.path);
    case 'variable':
      return node.name + dotted(node.path);
    case 'chain':
      return (node.of.kind === 'pipe' ? `(${formatNode(node.of)})` : formatNode(node.of)) + dotted(node.path);
    case 'pipe':
      return formatPipe(node);
    case 'command':
      return node.operands.map((each) => (each.kind === 'pipe' ? `(${formatNode(each)})` : formatNode(each))).join(' ');
    case 'template':
      return `{{template ${goQuote(node.name)}${node.pipe === undefined ? '' : ` ${formatPipe(node.pipe)}`}}}`;
    case 'action':
      return `{{${formatPipe(node.pipe)}}}`;
    case 'text':
      return node.text;
    case 'break':
    case 'continue':
      return `{{${node.kind}}}`;
    default:
      return formatBranch(node);
  }
}

const dotted = (path: readonly string[]): string => path.map((name) => `.${name}`).join('');

function formatPipe({ variables, assigns, commands }: Pipe): string {
  const declared = variables.length === 0 ? '' : `${variables.join(', ')} ${assigns ? '=' : ':='} `;
  return declared + commands.map(formatNode).join(' | ');
}

function formatBranch({ kind, pipe, body, otherwise }: Branch): string {
  const rest = otherwise === undefined ? '' : `{{else}}${otherwise.map(formatNode).join('')}`;
  return `{{${kind} ${formatPipe(pipe)}}}${body.map(formatNode).join('')}${rest}{{end}}`;
}
