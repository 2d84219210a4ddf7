import { leaseStoreSuite } from '#core/leases/leases.suite';
import { memoryLeases } from '#core/leases/memory';
import { overTheWire } from '../in-process.ts';
import { remoteLeases } from './client.ts';
import { serveLeases } from './server.ts';

const collector = { collect: async () => ({ elapsedMs: 0, removed: {} }) };

leaseStoreSuite('over the wire', () => overTheWire(serveLeases(memoryLeases(), collector), remoteLeases));
