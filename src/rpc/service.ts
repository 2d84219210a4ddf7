import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Call } from './call.ts';

/** How a method of each kind is answered. No service that we speak has client streaming. */
export type Handler<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, call: Call) => Promise<MessageInitShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, call: Call) => AsyncIterable<MessageInitShape<O> | Several<O>>
      : M extends DescMethodBiDiStreaming<infer I, infer O>
        ? (requests: AsyncIterable<MessageShape<I>>, call: Call) => AsyncIterable<MessageInitShape<O>>
        : never;

/** Messages that are there at the same time. They go out in one piece, which for thousands of small ones costs half as much. */
type Several<O extends DescMessage> = readonly MessageInitShape<O>[];

export type Implementation<S extends DescService> = { readonly [K in keyof S['method']]: Handler<S['method'][K]> };

type UntypedRequest = MessageShape<DescMessage> | AsyncIterable<MessageShape<DescMessage>>;
type UntypedAnswer = Promise<MessageInitShape<DescMessage>> | AsyncIterable<MessageInitShape<DescMessage>>;

/** @internal A handler whose types were checked and then forgotten. */
export type UntypedHandler = (request: UntypedRequest, call: Call) => UntypedAnswer;

/** A service that is ready to be mounted on a server. */
export interface Service {
  readonly desc: DescService;
  /** By the method's local name; a method without one answers `not_implemented`. */
  readonly handlers: Readonly<Record<string, UntypedHandler>>;
}

/** Joins a service's description with what answers its calls. Methods may be left out: they answer UNIMPLEMENTED. */
export function defineService<S extends DescService>(desc: S, implementation: Partial<Implementation<S>>): Service {
  return { desc, handlers: implementation as unknown as Service['handlers'] };
}
