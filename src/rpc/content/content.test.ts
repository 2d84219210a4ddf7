import { contentStoreSuite } from '#core/content/content.suite';
import { memoryContent } from '#core/content/memory';
import { overTheWire } from '../in-process.ts';
import { remoteContent } from './client.ts';
import { serveContent } from './server.ts';

contentStoreSuite('over the wire', () => overTheWire(serveContent(memoryContent()), remoteContent), {
  namespaced: true,
  labels: true,
  remote: true,
});
