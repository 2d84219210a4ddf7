import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  WhyResponse_State as State,
  type WhyResponse,
  WhyResponseSchema,
  type Link as WireLink,
  type Object$ as WireObject,
} from '#api/berth/services/gc/v1/gc_pb';
import { invalidArgument } from '#base/errors';
import type { Node } from '#core/gc/node';
import { type Explanation, isNodeKind, type Link } from '#core/gc/why';
import { timestampFromWire, timestampToWire } from '../values.ts';

/** @throws invalid_argument when it is absent, without a key, or of an unknown kind */
export function objectFromWire(wire: Pick<WireObject, 'kind' | 'key'> | undefined): Pick<Node, 'kind' | 'key'> {
  if (wire === undefined) throw invalidArgument('object is required');
  const { kind, key } = wire;
  if (!isNodeKind(kind)) throw invalidArgument(`unknown kind of object ${JSON.stringify(kind)}`);
  if (key === '') throw invalidArgument('the object needs a key');
  return { kind, key };
}

const stateToWire = { absent: State.ABSENT, unreferenced: State.UNREFERENCED, kept: State.KEPT } as const;

export function explanationToWire({ state, chains, more, sharedWith, inUse }: Explanation): WhyResponse {
  return create(WhyResponseSchema, {
    state: stateToWire[state],
    chains: chains.map((links) => ({ links: links.map(linkToWire) })),
    more,
    sharedWith: [...sharedWith],
    inUse: [...inUse],
  });
}

/** @throws invalid_argument for a state of a later version */
export function explanationFromWire({ state, chains, more, sharedWith, inUse }: WhyResponse): Explanation {
  const found = (['absent', 'unreferenced', 'kept'] as const).find((name) => stateToWire[name] === state);
  if (found === undefined) throw invalidArgument(`unknown state ${state}`);
  return { state: found, chains: chains.map(({ links }) => links.map(linkFromWire)), more, sharedWith, inUse };
}

type NewLink = NonNullable<NonNullable<MessageInitShape<typeof WhyResponseSchema>['chains']>[number]['links']>[number];

function linkToWire({ kind, key, by, flat, expiresAt }: Link): NewLink {
  return { object: { kind, key }, by, flat, ...(expiresAt && { expiresAt: timestampToWire(expiresAt) }) };
}

function linkFromWire({ object, by, flat, expiresAt }: WireLink): Link {
  return { ...objectFromWire(object), by, flat, ...(expiresAt && { expiresAt: timestampFromWire(expiresAt) }) };
}
