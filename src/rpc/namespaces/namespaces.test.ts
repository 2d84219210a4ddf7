import { memoryNamespaces } from '#core/namespaces/memory';
import { namespaceStoreSuite } from '#core/namespaces/namespaces.suite';
import { overTheWire } from '../in-process.ts';
import { remoteNamespaces } from './client.ts';
import { serveNamespaces } from './server.ts';

namespaceStoreSuite('over the wire', () => overTheWire(serveNamespaces(memoryNamespaces()), remoteNamespaces));
